"""Bilevel programs from files, of any origin: solved, certified and told."""
