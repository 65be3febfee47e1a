"""Figures; matplotlib is imported late."""
