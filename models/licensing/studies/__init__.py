"""Studies of a licensing game: strategies weighed at many values of the instance, and what those values decide."""
