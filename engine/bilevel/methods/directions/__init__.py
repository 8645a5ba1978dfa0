"""Improving directions of a follower of whole numbers: a master and a tree, in turns."""
