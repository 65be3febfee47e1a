"""Flags -> a spec, checked before anything heavy is imported."""
