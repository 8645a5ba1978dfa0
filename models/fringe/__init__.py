"""The fringe games: a dominant firm and those who follow it, in closed form. The page is README.md beside this file."""
