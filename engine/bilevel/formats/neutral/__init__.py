"""The format bilevel-neutral: matrices of both levels as JSON, read strictly and written exactly."""
