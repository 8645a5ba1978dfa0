"""A comparison as a page to begin with, as tables, as a brief; and why."""
