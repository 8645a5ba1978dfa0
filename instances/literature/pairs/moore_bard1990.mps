* Moore and Bard (1990), The mixed integer linear bilevel programming problem, Operations Research 38(5), example 1.
* Optimum -22 at x = 2, y = 2; with a continuous follower -18 at x = 8, y = 1.
NAME moore_bard1990
ROWS
 N leader
 L r1
 L r2
 L r3
 G r4
COLUMNS
 MARKER 'MARKER' 'INTORG'
 x leader -1 r1 -25
 x r2 1 r3 2
 x r4 2
 y leader -10 r1 20
 y r2 2 r3 -1
 y r4 10
 MARKER 'MARKER' 'INTEND'
RHS
 RHS r1 30 r2 10
 RHS r3 15 r4 15
BOUNDS
 UP BOUND x 10
 UP BOUND y 5
ENDATA
