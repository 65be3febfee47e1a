"""Training: the loop, the update, the optimizer, checkpoints."""
