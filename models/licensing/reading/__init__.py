"""Readings of an evaluated strategy: who bears what, and the leverage that is left."""
