"""The decision engine: programs, solutions, certificates. It has never heard of a product or a buyer."""
