"""Thresholds, temperature and review rule, fitted to labelled images."""
