"""Branching on which of a linear follower's rows are tight, by primal programs alone."""
