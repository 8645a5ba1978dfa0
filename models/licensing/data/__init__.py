"""The game's data: what an instance file may say, read, checked whole, and listed by where its numbers come from."""
