"""Instance files: data only, every number with its unit and its source."""
