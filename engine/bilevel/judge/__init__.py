"""The judge: certifies a claim from the problem alone and has never seen a method."""
