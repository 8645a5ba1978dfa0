"""Studies: one question asked at many points, what is remembered of them, and what they say together."""
