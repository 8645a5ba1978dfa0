"""The market as arrays: periods, demand, stocks, rivals, routes, and what orders cost."""
