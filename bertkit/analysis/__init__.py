"""Looking into a model: what it has learnt, in which layer, and when."""
