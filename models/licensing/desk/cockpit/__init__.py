"""The cockpit: a local page in which assumptions are moved and postures chosen, and the game answers at once."""
