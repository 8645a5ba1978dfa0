"""Modelling: bilevel programs written with variables and operators, or taken from two Pyomo blocks."""
