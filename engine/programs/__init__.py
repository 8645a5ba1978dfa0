"""Programs and their solvers: linear, mixed-integer, quadratic, exact. The only room that sees HiGHS."""
