"""The audit: every figure again from the data alone, and the certificate that rests on it."""
