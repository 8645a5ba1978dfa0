"""Improving directions of a follower of whole numbers: a tree, and a master beside it."""
