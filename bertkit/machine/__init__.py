"""Devices, memory, processes, signals, launching."""
