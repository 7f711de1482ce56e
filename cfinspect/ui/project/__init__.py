"""Folders, the open project, the welcome page."""
