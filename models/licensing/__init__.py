"""The licensing game: a dominant exporter licenses, buyers answer. The page is README.md beside this file."""
