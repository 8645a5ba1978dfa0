"""Bilevel programs: a leader who commits, a follower who answers, in matrices; methods and their judge."""
