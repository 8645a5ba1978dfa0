"""What differs between two instances or results, and what each change moves."""
