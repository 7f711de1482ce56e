"""Figures that say how good a model is; what is undefined is None, never a made-up number."""
