"""Studies as sentences, tables and pictures, one page a command."""
