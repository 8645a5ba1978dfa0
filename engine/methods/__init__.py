"""Ways to find a leader's best commitment, one file each."""
