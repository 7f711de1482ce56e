"""Masks: making, cleaning, drawing, undoing, measuring. NumPy and OpenCV only.

A mask is (H, W) uint8 of class numbers (0 background) or (H, W) bool.
"""
