"""Reformulations: two levels as one, the bounds that they need, and what can be left out beforehand."""
