"""Methods for bilevel programs, one file or folder each."""
