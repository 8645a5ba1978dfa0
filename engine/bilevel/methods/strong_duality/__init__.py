"""Strong duality in one row: the method and the spelling of its products."""
