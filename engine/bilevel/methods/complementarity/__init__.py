"""Branch and bound on the follower's complementarities: the method, its tree and its nodes."""
