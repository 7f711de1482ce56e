"""A model is one file: weights and metadata, read without running code."""
