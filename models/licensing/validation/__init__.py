"""Is what an instance file says acceptable? Its JSON Schema, and the checks that need two fields."""
