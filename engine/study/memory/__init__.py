"""What a study remembers: runs by what they are about, in a ledger on disk."""
