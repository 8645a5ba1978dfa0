"""Menus: finitely many strategies enumerated, compared, and held against temptation."""
