"""One image at a time: what the model says, verdicts, corrections, the queue."""
