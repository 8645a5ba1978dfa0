"""The follower's response to a commitment, and how far a tie between best responses can be tilted."""
