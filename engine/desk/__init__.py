"""The desk: saved results, the two streams, what is delivered, and whether the installation works."""
