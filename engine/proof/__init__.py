"""Proof: checks of claimed figures, certificates, and saved results told again."""
