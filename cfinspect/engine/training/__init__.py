"""One training loop with its steps, losses, state and files."""
