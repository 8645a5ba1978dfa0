"""Instance files: read, checked whole, overridden, listed by where their numbers come from."""
