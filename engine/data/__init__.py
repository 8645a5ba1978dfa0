"""Data as written: documents that know their lines, and quantities with units."""
