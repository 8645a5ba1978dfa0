"""Files of bilevel programs: read strictly, so that nothing unknown is passed over in silence."""
