"""Everything that can be done: the table of commands (``table``), and their QActions."""
