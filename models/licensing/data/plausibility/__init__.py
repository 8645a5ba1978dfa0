"""Plausibility: what is legal and hardly meant, as warnings."""
