"""A trained model in use: inputs and predictions."""
