"""What every room of the engine stands on: errors, devices, events, image files."""
