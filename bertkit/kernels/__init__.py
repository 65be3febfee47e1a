"""Unpadded attention, packing, dropout, fp32 linear layers, the sparse embedding: nothing here knows a task."""
