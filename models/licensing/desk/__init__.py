"""Where questions come in and answers go out: what is asked by name, saved, printed."""
