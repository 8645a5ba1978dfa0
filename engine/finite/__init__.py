"""Finite games: a leader who commits to a mixture, followers of several types, and a judge of its own."""
