"""Figures from labels, scores and masks; they know no network."""
