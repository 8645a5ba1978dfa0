"""Answers: one strategy solved, all compared, a verdict in words, a saved result verified, and their tables."""
