"""Images in, inspections out: everything that happens after training."""
