"""Logits -> answers -> scores: metrics and their intervals."""
