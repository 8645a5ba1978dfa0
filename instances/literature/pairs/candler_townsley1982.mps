* Candler and Townsley (1982), A linear two-level programming problem, Computers and Operations Research 9(1).
* Optimum -29.2 at x = (0, 0.9), y = (0, 0.6, 0.4).
NAME candler_townsley1982
ROWS
 N objective
 L lower.e[0]
 L lower.e[1]
 L lower.e[2]
COLUMNS
 x1 objective -8.0
 x1 lower.e[1] 2.0
 x2 objective -4.0
 x2 lower.e[2] 2.0
 y1 objective 4.0
 y1 lower.e[0] -1.0
 y1 lower.e[1] -1.0
 y1 lower.e[2] 2.0
 y2 objective -40.0
 y2 lower.e[0] 1.0
 y2 lower.e[1] 2.0
 y2 lower.e[2] -1.0
 y3 objective -4.0
 y3 lower.e[0] 1.0
 y3 lower.e[1] -0.5
 y3 lower.e[2] -0.5
RHS
 RHS lower.e[0] 1.0
 RHS lower.e[1] 1.0
 RHS lower.e[2] 1.0
BOUNDS
ENDATA
