"""The training page: form, curves, outcome."""
