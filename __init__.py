"""Coercivity: an open decision engine for export-licensing strategy."""
