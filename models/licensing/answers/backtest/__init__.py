"""The backtest: what the model says about the facts on record."""
