"""Pages: answers as sentences, tables, frames and pictures."""
