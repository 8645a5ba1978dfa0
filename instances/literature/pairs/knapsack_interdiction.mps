* F5010W01.KNP of the knapsack interdiction problems that come with MibS (coin-or/MibS, data/interdiction): the follower alone.
* Optimum 115, by enumeration: all items but C2 and C6 are attacked, for 1453 of 1461, and the follower takes 32 + 83.
NAME F5010W01
ROWS
 N worth
 L weight
COLUMNS
 C0 worth -86. weight 112.
 C1 worth -129. weight 14.
 C2 worth -32. weight 156.
 C3 worth -230. weight 175.
 C4 worth -165. weight 82.
 C5 worth -260. weight 221.
 C6 worth -83. weight 44.
 C7 worth -138. weight 94.
 C8 worth -236. weight 292.
 C9 worth -95. weight 223.
RHS
 RHS weight 706.
BOUNDS
 BV BOUND C0
 BV BOUND C1
 BV BOUND C2
 BV BOUND C3
 BV BOUND C4
 BV BOUND C5
 BV BOUND C6
 BV BOUND C7
 BV BOUND C8
 BV BOUND C9
ENDATA
