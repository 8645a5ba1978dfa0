"""The follower's value function by its integer answers: the method and its pieces."""
