"""cfinspect: visual quality control that learns from good/bad labels and shows why."""

__version__ = "0.1.0"
