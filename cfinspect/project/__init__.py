"""What must outlive crashes, retraining and the next tool: images, predictions, verdicts, masks."""
