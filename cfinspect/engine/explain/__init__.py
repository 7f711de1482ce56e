"""Explainers: what in an image speaks for damage."""
