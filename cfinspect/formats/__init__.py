"""Pseudo-labels in other tools' formats: one module per format, one registry."""
