"""Seeded faults: whether the judge of an answer, or else a test, finds out what is wrong in the code that gave it."""
