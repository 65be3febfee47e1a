"""Rows and features: readers, splits, the cache, encoding, sampling. No torch."""
