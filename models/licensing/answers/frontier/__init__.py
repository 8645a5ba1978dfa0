"""Revenue, cost and leverage as objectives of their own: which strategies are efficient in them."""
