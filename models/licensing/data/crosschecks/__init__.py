"""Cross-checks: what an instance must satisfy across its fields."""
