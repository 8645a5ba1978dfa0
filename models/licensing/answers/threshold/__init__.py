"""Thresholds: where the ranking of two strategies turns."""
