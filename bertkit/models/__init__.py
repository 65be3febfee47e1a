"""An encoder with a head: load, forward, digests, label names, batch layouts."""
