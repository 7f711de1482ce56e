"""From folders of images to labelled samples, splits by group, and batches."""
