"""What happens to the image on screen: leafing, corrections, verdicts, the review queue."""
