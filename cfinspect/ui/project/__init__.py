"""The panel of ``folders`` and the ``welcome`` page."""
