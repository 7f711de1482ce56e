"""The main window's parts, each for one concern."""
