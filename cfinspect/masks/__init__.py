"""Masks: making, cleaning, drawing, undoing, measuring. They know neither torch nor Qt.

A mask is (H, W) uint8 of class numbers (0 background) or (H, W) bool.
"""
