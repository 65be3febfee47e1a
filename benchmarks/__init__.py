"""Measurements: what is run against what, the last figures, and the pages made from them."""
