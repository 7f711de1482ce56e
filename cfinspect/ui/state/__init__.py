"""What the window remembers: the session of a project, and preferences."""
