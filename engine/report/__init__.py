"""Reports: tables, files and pictures of labelled numbers."""
