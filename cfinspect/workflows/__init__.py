"""What commands, window and notebooks share: whole tasks from folders to files."""
