"""The announcement: what everybody hears of a strategy, and what it sets off."""
