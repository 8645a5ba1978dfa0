"""The leader: payoff, belief, commitment, the search of the menu, and discretion."""
