"""Many images at once: the grid of thumbnails with its order and filter."""
