"""A tree of a leader who takes items away from a follower that packs them, with lifted cuts."""
