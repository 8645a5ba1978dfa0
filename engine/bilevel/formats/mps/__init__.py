"""MPS files with auxiliary files: read strictly, written for MibS and its kin."""
