"""Everything that can be done: one ``table`` of commands, and their QActions (``actions``)."""
