"""Files of bilevel programs: what every line of an MPS and an auxiliary file means, and what is refused, with its line."""

from __future__ import annotations

import gzip
from math import inf
from pathlib import Path

import numpy as np
import pytest

from coercivity.engine.bilevel.formats import Malformed, Unreadable, read
from coercivity.engine.bilevel.formats.mps.auxiliary import parse_auxiliary
from coercivity.engine.bilevel.formats.mps.pair import joined
from coercivity.engine.bilevel.formats.mps.reader import MpsProgram, parse_mps, read_mps
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.bilevel.selection import solve
from coercivity.engine.errors import ExitCode, UsageError

# Moore and Bard (1990), example 1, with the follower's y first: positions in the files are not those in the program.
PROGRAM = """NAME moore
ROWS
 L r1
 N cost
 L r2
 L budget
COLUMNS
 M 'MARKER' 'INTORG'
 y cost -10 r1 20
 y r2 2
 x cost -1 r1 -25
 x r2 1 budget 1
 M 'MARKER' 'INTEND'
RHS
 RHS r1 30 r2 10
 RHS budget 8
BOUNDS
 UP B x 10
 UP B y 10
ENDATA
"""
NAMED = """@NUMVARS
1
@NUMCONSTRS
2
@VARSBEGIN
y 1.
@VARSEND
@CONSTRSBEGIN
r1
r2
@CONSTRSEND
"""
KEYWORDS = "N 1\nM 2\nLC 0\nLR 0\nLR 1\nLO 1\nOS 1\n"
# The first version of the named form, which stands among the examples of MibS.
FIRST_VERSION = "N 1\nM 2\nOS -1\n@VARSBEGIN\ny 1\n@CONSTSBEGIN\nr1\nr2\n"
ATTACKED = """NAME attacked
ROWS
 N worth
 L weight
COLUMNS
 a worth -5 weight 3
 b worth -6 weight 4
RHS
 RHS weight 5
 RHS worth 2
BOUNDS
 BV B a
 UP B b 2
ENDATA
"""
ATTACK = "N 2\nM 3\nLC 2\nLC 3\nLR 1\nLO -5\nLO -7\nOS 1\nIC 1\nIC 2\nIB 2\n"


def both(program: str = PROGRAM, auxiliary: str = NAMED) -> BilevelProblem:
    mps = parse_mps(program, "p.mps")
    return joined(mps, parse_auxiliary(auxiliary, "p.aux", mps), "p.aux")


def same(one: BilevelProblem, other: BilevelProblem) -> bool:
    """Whether two programs are the same, names of rows apart."""
    pairs = [(part.matrix.toarray(), part.lower, part.upper) for part in (one.rows, one.follower_rows)]
    others = [(part.matrix.toarray(), part.lower, part.upper) for part in (other.rows, other.follower_rows)]
    columns = [(part.lower, part.upper, part.is_integer) for part in (one.leader, one.follower)]
    more = [(part.lower, part.upper, part.is_integer) for part in (other.leader, other.follower)]
    arrays = [array for part in (*pairs, *columns) for array in part] + [one.objective.linear]
    rest = [array for part in (*others, *more) for array in part] + [other.objective.linear]
    arrays += [one.objective.quadratic.toarray(), one.follower_objective.linear]
    rest += [other.objective.quadratic.toarray(), other.follower_objective.linear]
    arrays += [one.follower_objective.quadratic.toarray()]
    rest += [other.follower_objective.quadratic.toarray()]
    facts = [(p.names, p.objective.constant, p.is_maximised, p.prices, p.members) for p in (one, other)]
    return all(np.array_equal(a, b) for a, b in zip(arrays, rest, strict=True)) and facts[0] == facts[1]


def mps(
    columns: str = "", rows: str = "", rhs: str = "", ranges: str = "", bounds: str = "", head: str = ""
) -> MpsProgram:
    """A small program with the lines given."""
    text = f"{head}ROWS\n N o\n{rows}COLUMNS\n{columns or ' x o 1' + chr(10)}"
    text += f"RHS\n{rhs}" + (f"RANGES\n{ranges}" if ranges else "") + (f"BOUNDS\n{bounds}" if bounds else "")
    return parse_mps(text + "ENDATA\n", "p.mps")


# -- what a pair says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "auxiliary",
    [
        NAMED,
        KEYWORDS,
        "N 1\nM 2\nLC y\nLR r1\nLR r2\nLO 1.0\n",
        "M 2 N 1 OS 1.0 LO 1 LR 1 LR 0 LC 0",
        NAMED.replace("@NUMCONSTRS", "@NUMCONSTR")
        .replace("@CONSTRSBEGIN", "@CONSTRBEGIN")
        .replace("@CONSTRSEND", "@CONSTREND"),
        NAMED.replace("@CONSTRSBEGIN", "@CONSTSBEGIN").replace("@CONSTRSEND", "@CONSTSEND"),
        "# of MibS\n@numvars 1\n\n@NUMCONSTRS\t2 # two\n@CONSTRSBEGIN\nr2  \nr1\t\n@CONSTRSEND\n@VARSBEGIN\ny\t1\n@VARSEND\n",
        "@NAME\na name\n@MPS\nelsewhere.mps\n@OBJSENSE\nMIN\n" + NAMED,
        FIRST_VERSION.replace("OS -1", "OS 1"),
        NAMED.replace("\n", "\r\n"),
        NAMED.replace("\n", "\r"),
    ],
)
def test_every_form_of_an_auxiliary_file_says_the_same(auxiliary: str) -> None:
    problem = both(auxiliary=auxiliary)
    assert (problem.name, problem.leader.names, problem.follower.names) == ("moore", ("x",), ("y",))
    assert problem.objective.linear.tolist() == [-1.0, -10.0]
    assert problem.follower_objective.linear.tolist() == [0.0, 1.0] and not problem.is_follower_maximised
    assert problem.rows.names == ("budget",) and problem.rows.matrix.toarray().tolist() == [[1.0, 0.0]]
    assert problem.follower_rows.names == ("r1", "r2")
    assert problem.follower_rows.matrix.toarray().tolist() == [[-25.0, 20.0], [1.0, 2.0]]
    assert problem.follower_rows.upper.tolist() == [30.0, 10.0]
    assert problem.leader.is_integer.all() and problem.follower.upper.tolist() == [10.0]
    assert same(problem, both())


@pytest.mark.parametrize("auxiliary", ["@OBJSENSE\nMAX\n" + NAMED, KEYWORDS.replace("OS 1", "OS -1."), FIRST_VERSION])
def test_a_follower_who_maximises_is_negated(auxiliary: str) -> None:
    problem = both(auxiliary=auxiliary)
    assert problem.is_follower_maximised and problem.follower_objective.linear.tolist() == [0.0, -1.0]


@pytest.mark.parametrize(
    "head", ["OBJSENSE MAX\n", "OBJSENSE\n    MAX\n", "OBJSENSE\nMAXIMIZE\n", "* comment\nOBJSENSE\n max\n"]
)
def test_a_leader_who_maximises_is_negated_and_shown_in_its_sense(head: str) -> None:
    # −x − 10 y − 7 is maximised: an RHS of 7 on the objective row is minus its constant.
    problem = both(head + PROGRAM.replace("RHS\n RHS r1", "RHS\n RHS cost 7\n RHS r1"))
    assert problem.is_maximised and problem.objective.linear.tolist() == [1.0, 10.0]
    assert problem.objective.constant == 7.0
    assert problem.shown(problem.objective.at(np.array([1.0, 2.0]))) == -28.0


def test_an_interdiction_makes_an_attack_for_each_column() -> None:
    problem = both(ATTACKED, ATTACK)
    assert problem.leader.names == ("attack_a", "attack_b") and problem.follower.names == ("a", "b")
    assert problem.leader.is_integer.all() and problem.leader.upper.tolist() == [1.0, 1.0]
    # The leader minimises −(−5 a − 6 b − 2) and the follower the LO, which says −7 for b.
    assert problem.objective.linear.tolist() == [0.0, 0.0, 5.0, 6.0] and problem.objective.constant == 2.0
    assert problem.follower_objective.linear.tolist() == [0.0, 0.0, -5.0, -7.0]
    assert problem.rows.matrix.toarray().tolist() == [[1.0, 2.0, 0.0, 0.0]] and problem.rows.upper.tolist() == [2.0]
    rows = problem.follower_rows
    assert rows.matrix.toarray().tolist() == [[0, 0, 3, 4], [1, 0, 1, 0], [0, 2, 0, 1]]
    assert rows.upper.tolist() == [5.0, 1.0, 2.0] and np.isinf(rows.lower).all()


# -- what an MPS file says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "width", "lower", "upper"),
    [
        ("L", None, -inf, 5.0), ("G", None, 5.0, inf), ("E", None, 5.0, 5.0),
        ("L", "3", 2.0, 5.0), ("L", "-3", 2.0, 5.0), ("G", "3", 5.0, 8.0), ("G", "-3", 5.0, 8.0),
        ("E", "3", 5.0, 8.0), ("E", "-3", 2.0, 5.0), ("E", "0", 5.0, 5.0), ("L", "1e30", -inf, 5.0),
    ],
)  # fmt: skip
def test_sides_and_ranges_of_rows(kind: str, width: str | None, lower: float, upper: float) -> None:
    found = mps(" x r 1\n", f" {kind} r\n", " RHS r 5\n", f" RNG r {width}\n" if width else "")
    assert (found.rows.lower.tolist(), found.rows.upper.tolist()) == ([lower], [upper])


@pytest.mark.parametrize(
    ("bounds", "lower", "upper", "is_integer"),
    [
        ("", 0.0, inf, False), (" UP B x 4\n", 0.0, 4.0, False), (" UP B x -4\n", -inf, -4.0, False),
        (" UP B x 0\n", 0.0, 0.0, False), (" LO B x -9\n UP B x -4\n", -9.0, -4.0, False),
        (" UP B x -4\n LO B x -9\n", -9.0, -4.0, False),
        (" LO B x 2\n", 2.0, inf, False), (" FX B x 3.\n", 3.0, 3.0, False), (" FR B x\n", -inf, inf, False),
        (" MI B x\n", -inf, inf, False), (" MI B x\n UP B x 3\n", -inf, 3.0, False), (" PL B x\n", 0.0, inf, False),
        (" BV B x\n", 0.0, 1.0, True), (" BV B x 1.\n", 0.0, 1.0, True), (" LI B x 2\n", 2.0, inf, True),
        (" UI B x 7\n", 0.0, 7.0, True),
        (" UI B x 1e30\n", 0.0, inf, True), (" LI B x -3\n UI B x 4\n", -3.0, 4.0, True),
        (" UP x 4\n", 0.0, 4.0, False), (" FR x\n", -inf, inf, False),
    ],
)  # fmt: skip
def test_bounds_of_columns(bounds: str, lower: float, upper: float, is_integer: bool) -> None:
    found = mps(bounds=bounds).columns
    assert (found.lower[0], found.upper[0], bool(found.is_integer[0])) == (lower, upper, is_integer)


@pytest.mark.parametrize(
    ("bounds", "lower", "upper"),
    [
        ("", 0.0, 1.0),
        (" LO B x 2\n", 2.0, inf),
        (" UP B x 5\n", 0.0, 5.0),
        (" PL B x\n", 0.0, inf),
        (" FR B x\n", -inf, inf),
    ],
)
def test_an_integer_column_without_bounds_is_binary(bounds: str, lower: float, upper: float) -> None:
    found = mps(" M 'MARKER' 'INTORG'\n x o 1\n M 'MARKER' 'INTEND'\n", bounds=bounds).columns
    assert found.is_integer[0] and (found.lower[0], found.upper[0]) == (lower, upper)


def test_the_first_n_row_is_the_objective_unless_objname_says_otherwise() -> None:
    assert mps(" x o 1 p 2\n", " N p\n").objective.tolist() == [1.0]
    found = mps(" x o 1 p 2\n", " N p\n", " RHS o 5\n p -3\n", head="OBJNAME\n p\n")
    assert found.objective.tolist() == [2.0] and found.constant == 3.0 and len(found.rows) == 0


def test_columns_of_fixed_width_and_sets_without_a_name_are_read_by_their_blanks() -> None:
    text = "NAME          FIXED\nROWS\n N  OBJ\n L  R0000001\nCOLUMNS\n    C0000001  OBJ       -86.          R0000001  112.        \n"
    text += "RHS\n              R0000001  .5e+1\nBOUNDS\n UP           C0000001  1.\nENDATA\n"
    found = parse_mps(text, "p.mps")
    assert found.name == "FIXED" and found.objective.tolist() == [-86.0]
    assert found.rows.upper.tolist() == [5.0] and found.columns.upper.tolist() == [1.0]


# -- what is refused, and where --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("ENDATA\n", "", 20, "no ENDATA"),
        ("NAME moore", "x", 1, "not a section"),
        ("ROWS", "ROWS\nROWS", 3, "a second ROWS"), ("COLUMNS", "RHS\nCOLUMNS", 7, "RHS before COLUMNS"),
        (" L r2", " L r1", 5, "row 'r1' twice"),
        (" L r2", " Q r2", 5, "not a type of row"), (" L r2", " L r 2", 5, "3 fields"),
        (" N cost\n", " G cost\n", 7, "no objective"),
        (" y r2 2", " y r2 two", 10, "'two' is not a number"),
        (" y r2 2", " y r2 nan", 10, "not a finite number"), (" y r2 2", " y r2 inf", 10, "not a finite number"),
        (" y r2 2", " y r2 1e999", 10, "too large"),
        (" y r2 2", " y r2", 10, "2 fields"), (" y r2 2", " y r9 2", 10, "no row 'r9'"),
        (" y r2 2", " y r1 2", 10, "row 'r1' twice in column 'y'"),
        ("'INTORG'", "'INTEND'", 8, "a second INTEND"), (" M 'MARKER' 'INTEND'\n", "", 8, "INTORG without INTEND"),
        ("'INTEND'", "'SOSEND'", 13, "marker 'SOSEND'"),
        (" RHS budget 8", " RHS r2 8", 16, "a second RHS"),
        (" RHS budget 8", " OTHER budget 8", 16, "a second vector"),
        (" RHS budget 8", " RHS budget 1e30", 16, "infinite RHS"),
        (" UP B x 10", " UP B z 10", 18, "no column 'z'"), (" UP B x 10", " SC B x 10", 18, "semi-continuous"),
        (" UP B x 10", " XX B x 10", 18, "not a bound"),
        (" UP B y 10", " UP B x 9", 19, "a second upper bound"), (" UP B y 10", " LO B x 11", 19, "below the lower"),
        (" UP B x 10", " UP B x", 18, "'x' is not a number"),
        (" UP B x 10", " FR B x 3", 18, "behind FR"), (" UP B x 10", " UP B x -1e30", 18, "infinite UP"),
        ("BOUNDS", "QUADOBJ", 17, "quadratic terms"),
        ("NAME moore", "OBJSENSE LEAST", 1, "OBJSENSE 'LEAST'"),
        ("NAME moore", "NAME moore FREEIEEE", 1, "hexadecimal"),
        ("BOUNDS", "RANGES\n R cost 2\nBOUNDS", 18, "a range of an N row"),
        ("NAME moore", "NAME moore\n r 1", 2, "a line of data"), ("NAME moore", "OBJNAME\n r1", 1, "no N row"),
    ],
)  # fmt: skip
def test_a_wrong_line_of_an_mps_file_is_refused_with_its_number(old: str, new: str, line: int, says: str) -> None:
    with pytest.raises(UsageError) as error:
        both(PROGRAM.replace(old, new, 1))
    assert says in str(error.value) and str(error.value).startswith(f"p.mps:{line}: "), error.value


@pytest.mark.parametrize(
    ("auxiliary", "place", "says"),
    [
        (NAMED.replace("@NUMVARS\n1", "@NUMVARS\n2"), ":2", "@NUMVARS is 2, and 1 columns are listed"),
        (NAMED.replace("\n2\n", "\n3\n"), ":4", "@NUMCONSTRS is 3, and 2 rows"),
        (NAMED.replace("@NUMVARS\n1\n", ""), "", "no @NUMVARS"),
        (NAMED.replace("@NUMVARS\n1", "@NUMVARS\n1.5"), ":2", "not a count"),
        (NAMED.replace("@NUMVARS\n1", "@NUMVARS"), ":2", "says nothing"),
        ("@OBJESENSE\nMAX\n" + NAMED, ":1", "unknown keyword '@OBJESENSE'\n  fix: did you mean @OBJSENSE?"),
        ("@OBJSENSE\nBEST\n" + NAMED, ":2", "'BEST'"),
        (NAMED + "@NUMVARS\n1\n", ":12", "a second @NUMVARS"), (NAMED.replace("y 1.", "z 1."), ":6", "no column 'z'"),
        (NAMED.replace("y 1.", "y"), ":6", "1 fields"),
        (NAMED.replace("y 1.", "y 1\ny 1"), ":7", "column 'y' twice"),
        (NAMED.replace("r2", "r1"), ":10", "row 'r1' twice"),
        (NAMED.replace("r2", "r2 r1"), ":10", "2 fields"), (NAMED.replace("r2", "cost"), ":10", "an N row"),
        (NAMED.replace("r2", "budgte"), ":10", "did you mean 'budget'?"),
        (NAMED.replace("@VARSEND\n", ""), ":7", "before the end"),
        (NAMED.replace("@CONSTRSEND\n", ""), ":10", "have no end"),
        (NAMED.replace("@VARSBEGIN\n", ""), ":5", "belongs to no keyword"),
        (NAMED.replace("y 1.\n", "").replace("\n1\n", "\n0\n"), "", "no variables"),
        (KEYWORDS.replace("N 1", "N 2"), ":1", "N is 2, and there are 1 lines LC"),
        (KEYWORDS.replace("M 2", "M 3"), ":2", "M is 3"), (KEYWORDS.replace("LO 1\n", ""), ":1", "0 lines LO"),
        (KEYWORDS.replace("N 1\n", ""), "", "no N"), (KEYWORDS.replace("LC 0", "LC 2"), ":3", "no column 2"),
        (KEYWORDS.replace("LC 0", "LC -1"), ":3", "no column -1"),
        (KEYWORDS.replace("LR 1", "LR 3"), ":5", "no row 3: the MPS file has 3\n  fix: count from 0 to 2"),
        (KEYWORDS.replace("LR 1", "LR 0"), ":5", "row 0 twice"), (KEYWORDS.replace("LC", "LX"), ":3", "'LX'"),
        (KEYWORDS.replace("OS 1", "OS 2"), ":7", "OS is 2"), (KEYWORDS + "OS 1", ":8", "a second OS"),
        (KEYWORDS.replace("LO 1", "LO 1 4"), ":6", "unknown keyword '4'"), (KEYWORDS + "OS", ":8", "OS says nothing"),
        ("nothing known\n", ":1", "unknown keyword 'nothing'"),
    ],
)  # fmt: skip
def test_a_wrong_line_of_an_auxiliary_file_is_refused_with_its_number(auxiliary: str, place: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        both(auxiliary=auxiliary)
    assert says in str(error.value) and str(error.value).startswith(f"p.aux{place}: "), error.value


@pytest.mark.parametrize(
    ("program", "auxiliary", "says"),
    [
        (ATTACKED, ATTACK.replace("IC 2\n", ""), "1 lines IC"),
        (ATTACKED, ATTACK.replace("LO -5\n", ""), "1 lines LO"),
        (ATTACKED, ATTACK.replace("IB 2", ""), "no IB"), (ATTACKED, ATTACK.replace("N 2", "N 3"), "N is 3"),
        (ATTACKED.replace(" UP B b 2\n", ""), ATTACK, "column 'b' has no upper bound"),
        ("OBJSENSE MAX\n" + ATTACKED, ATTACK, "OBJSENSE MAX"),
    ],
)  # fmt: skip
def test_an_interdiction_that_does_not_fit_is_refused(program: str, auxiliary: str, says: str) -> None:
    with pytest.raises(Malformed) as error:
        both(program, auxiliary)
    assert says in str(error.value), error.value


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Malformed) as error:
        both(PROGRAM.replace(" y r2 2", " y r9 2").replace("UP B x 10", "UP B z 10"))
    assert [finding.place for finding in error.value.findings] == ["p.mps:10", "p.mps:18"]
    assert error.value.exit_code == ExitCode.INVALID_INSTANCE


# -- files -----------------------------------------------------------------------------------------------------------


def test_the_auxiliary_file_is_found_beside_or_named(tmp_path: Path) -> None:
    program = tmp_path / "moore.v2.mps"
    program.write_text(PROGRAM)
    with pytest.raises(Malformed, match=r"moore\.v2\.aux and .*moore\.v2\.txt\n  fix: .* --aux"):
        read(program)
    (tmp_path / "moore.v2.txt").write_text(KEYWORDS.replace("OS 1", "OS -1"))
    assert read(program).is_follower_maximised
    (tmp_path / "moore.v2.aux").write_text(NAMED)
    assert same(read(program), both())
    assert read(program, tmp_path / "moore.v2.txt").is_follower_maximised
    (tmp_path / "moore.v2.mps.gz").write_bytes(gzip.compress(PROGRAM.encode()))
    assert same(read(str(tmp_path / "moore.v2.mps.gz")), both())


def test_files_that_give_no_program_are_refused_with_a_reason(tmp_path: Path) -> None:
    packed = gzip.compress(PROGRAM.encode())
    for name, data, says in [
        ("empty.mps", b"", "the file is empty"),
        ("latin.json", b'{"name": "M\xe4rz"}', r"latin.json:1: a byte that is not UTF-8"),
        ("binary.mps", b"NAME\0\1\2", "a binary file"),
        ("cut.mps.gz", packed[:-20], "cut off"),
        ("broken.mps.gz", packed[:20] + b"\xff\xff" + packed[22:], "damaged|cut off"),
        ("plain.mps.gz", PROGRAM.encode(), "not a gzip file"),
        ("x.lp", b"min x", r"not an LP file.*\n  fix: write it as MPS"),
        ("x.lp.gz", packed, r"a packed LP file.*\n  fix: unpack it"),
        ("q.lp", b"min\n o: x + [ x ^ 2 ] / 2\nst\n c: x >= 1\nend\n", "quadratic objective"),
        ("s.lp", b"min\n o: x\nst\n c: x >= 1\nSOS\n s: S1:: x:1\nend\n", r"s.lp:5: the section 'SOS'"),
        ("c.lp", b"min\n o: x\nst\n c: x >= 1\nbounds\n x <= 9\nsemi-continuous\n x\nend\n", "the section 'semi-cont"),
        ("x.aux", NAMED.encode(), "an auxiliary file.*\n  fix: name the MPS file, and this one with --aux"),
        ("list.json", b"[1]", "JSON, but not a bilevel program\n  fix: .*bilevel-neutral/1"),
        ("other.json", b'{"model": {}}', "JSON, but not a bilevel program"),
        ("nan.json", b'{"format": NaN}', "NaN is not a finite number"),
        ("twice.json", b'{"format": 1, "format": 2}', "the key 'format' twice"),
        ("deep.json", b"[" * 100_000, "nested too deeply"),
    ]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Malformed, match=says):
            read(tmp_path / name)
    for missing in (tmp_path / "nowhere.mps", tmp_path, "\0"):
        with pytest.raises(Unreadable, match="cannot be read") as error:
            read(missing)
        assert error.value.exit_code == ExitCode.USAGE
    (tmp_path / "p.mps").write_text(PROGRAM)
    with pytest.raises(Unreadable, match="no such file"):
        read(tmp_path / "p.mps", tmp_path / "nowhere.aux")
    with pytest.raises(Malformed, match="leave the auxiliary file out"):
        read(tmp_path / "list.json", tmp_path / "x.aux")


# -- what the field's readers read too, and no other meaning fits ------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ENDATA", "ENDATA\n;", "behind ENDATA"),
        ("ENDATA", "ENDATA\nROWS\n N more", "behind ENDATA"),
        (" y r2 2", " y r2 0.2D1", ""),
        (" y r2 2", " y r2 2d0", ""),
        ("NAME moore", "NAME m\xe4rz", ""),
    ],
)
def test_an_mps_file_is_read_as_leniently_as_no_second_meaning_exists(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in PROGRAM
    (tmp_path / "x.mps").write_bytes(PROGRAM.replace(old, new).encode("latin-1"))
    (tmp_path / "y.mps").write_text(PROGRAM, "utf-8")
    usual, found = (read_mps(tmp_path / name) for name in ("y.mps", "x.mps"))
    assert (found.rows.matrix != usual.rows.matrix).nnz == 0
    assert found.objective.tolist() == usual.objective.tolist()
    assert all(says in remark for remark in found.remarks) and bool(found.remarks) == bool(says)


@pytest.mark.parametrize(
    ("bounds", "upper"),
    [(" UP B y Infinity", np.inf), (" UP B y +inf", np.inf), (" PL B y\n UP B y 7", 7.0), (" UP B y 7", 7.0)],
)
def test_bounds_that_say_infinite_are_infinite(bounds: str, upper: float) -> None:
    text = "NAME x\nROWS\n N c\n G r\nCOLUMNS\n y c 1 r 1\nRHS\nBOUNDS\n" + bounds + "\nENDATA\n"
    assert parse_mps(text, "x").columns.upper.tolist() == [upper]


def test_a_sense_behind_the_rows_is_read() -> None:
    text = "NAME x\nROWS\n N c\n G r\nOBJSENSE\n MAX\nCOLUMNS\n y c 1 r 1\nENDATA\n"
    found = parse_mps(text, "x")
    assert found.is_maximised and "OBJSENSE on line 5" in found.remarks[0]


def test_starred_lines_of_an_auxiliary_file_are_comments_unless_a_name_begins_so() -> None:
    usual = parse_auxiliary(NAMED, "x", parse_mps(PROGRAM, "x"))
    found = parse_auxiliary("* the follower\n" + NAMED, "x", parse_mps(PROGRAM, "x"))
    assert (found.columns, found.rows) == (usual.columns, usual.rows)
    assert "line 1 begins with *" in found.remarks[0] and not usual.remarks
    # Of a column no name can begin so, as its lines would be comments; of a row it can.
    text, program = (said.replace("r2", "*r2") for said in (NAMED, PROGRAM))
    starred = parse_auxiliary(text, "x", parse_mps(program, "x"))
    assert starred.rows == usual.rows and not starred.remarks


LP = """\\ Moore and Bard (1990)
Maximize
 obj: x + 10 y
Subject To
 c1: -25 x + 20 y <= 30
 c2: x + 2 y <= 10
 c3: 2 x - y <= 15
 c4: 2 x + 10 y >= 15
Bounds
 x <= 10
 0 <= y <= 5
General
 x y
End
"""


def test_an_lp_file_goes_with_an_auxiliary_file_as_an_mps_file_does(tmp_path: Path) -> None:
    (tmp_path / "moore.lp").write_text(LP)
    (tmp_path / "moore.aux").write_text("N 1\nM 4\nLC 1\nLR 0\nLR 1\nLR 2\nLR 3\nLO 1\nOS 1\n")
    found = read(tmp_path / "moore.lp")
    assert (found.leader.names, found.follower.names, found.is_maximised) == (("x",), ("y",), True)
    assert (found.leader.upper.tolist(), found.follower.upper.tolist()) == ([10.0], [5.0])
    assert found.leader.is_integer.all() and found.follower.is_integer.all()
    assert found.objective.linear.tolist() == [-1.0, -10.0]
    assert found.follower_rows.matrix.toarray().tolist() == [[-25.0, 20.0], [1.0, 2.0], [2.0, -1.0], [2.0, 10.0]]
    assert (found.follower_rows.upper.tolist()[:3], found.follower_rows.lower[3]) == ([30.0, 10.0, 15.0], 15.0)
    assert solve(found).solution.value == pytest.approx(-22.0)
