"""Why one strategy is worth more than another: what the ranking hinges on, and by what the two differ."""
