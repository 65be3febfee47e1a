"""Train, the update, the optimizer, the loss's reduction, checkpoints."""
