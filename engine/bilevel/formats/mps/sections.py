"""The sections of an MPS file, line by line: what each line says, and every way in which it can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from coercivity.engine.data.text import INFINITY, Fault, Faults, bound_in, number_in

SENSES = {
    "MIN": False, "MINIMIZE": False, "MINIMISE": False, "MAX": True, "MAXIMIZE": True, "MAXIMISE": True
}  # fmt: skip
# Which sides of a column a bound sets, and to what where it has no value of its own.
SIDES: dict[str, tuple[float | str | None, float | str | None]] = {
    "LO": ("value", None), "UP": (None, "value"), "FX": ("value", "value"), "FR": (-inf, inf), "MI": (-inf, None),
    "PL": (None, inf), "BV": (0.0, 1.0), "LI": ("value", None), "UI": (None, "value"),
}  # fmt: skip
WITHOUT_VALUE = ("FR", "MI", "PL", "BV")
INTEGER = ("BV", "LI", "UI")
BEFORE = {"COLUMNS": "ROWS", "RHS": "COLUMNS", "RANGES": "COLUMNS", "BOUNDS": "COLUMNS", "ENDATA": "COLUMNS"}
SECTIONS = ("NAME", "OBJSENSE", "OBJNAME", "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS", "ENDATA")
# Sections of extended dialects: each says something that a linear program cannot.
BEYOND = {
    "QUADOBJ": "quadratic terms", "QMATRIX": "quadratic terms", "QSECTION": "quadratic terms",
    "QCMATRIX": "quadratic rows", "CSECTION": "cones", "SOS": "special ordered sets", "SOS1": "special ordered sets",
    "SOS2": "special ordered sets", "SETS": "special ordered sets", "INDICATORS": "indicator rows",
    "LAZYCONS": "lazy rows", "USERCUTS": "user cuts", "GENCONS": "general constraints", "PWLOBJ": "broken lines",
}  # fmt: skip


Handler = Callable[[list[str]], None]


class Sections:
    """What the lines of one file say so far, and its faults; rows are numbered from 0, N rows −1, −2, …

    Attributes
    ----------
    seen : the line of each section's head
    row_of, column_of : number of each name
    kinds, free : types of the rows, names of the N rows; ``objective`` is the number of the one that counts
    entries : rows, columns, values and lines of COLUMNS, the objective's included
    right, ranges : by row
    lower, upper : bounds as written, by column
    remarks : what was passed over, a sentence each
    """

    def __init__(self, name: str) -> None:
        self.faults = Faults(name)
        self.line = 0
        self.section = ""
        self.seen: dict[str, int] = {}
        self.name = ""
        self.is_maximised: bool | None = None
        self.objective_name = ""
        self.row_of: dict[str, int] = {}
        self.kinds: list[str] = []
        self.free: list[str] = []
        self.objective = -1
        self.column_of: dict[str, int] = {}
        self.is_integer: list[bool] = []
        self.in_integers = 0
        self.entries: tuple[list[int], list[int], list[float], list[int]] = ([], [], [], [])
        self.vectors: dict[str, str] = {}
        self.right: dict[int, float] = {}
        self.ranges: dict[int, float] = {}
        self.lower: dict[int, float] = {}
        self.upper: dict[int, float] = {}
        self.unlimited: set[int] = set()
        self.remarks: list[str] = []

    def take(self, lines: list[str]) -> None:
        """Read all lines.

        Raises
        ------
        Malformed
            A line says nothing that can be read, or there is no end; every fault with its line.
        """
        handlers: dict[str, Handler] = {
            "OBJSENSE": self._sense, "OBJNAME": self._objective, "ROWS": self._row, "COLUMNS": self._column,
            "RHS": self._right, "RANGES": self._range, "BOUNDS": self._bound,
        }  # fmt: skip
        handle: Handler = self._misplaced
        for self.line, line in enumerate(lines, start=1):
            fields = line.split()
            if not fields or fields[0][0] == "*":
                continue
            if self.section == "ENDATA":
                # No reader looks behind the end.
                self.remarks.append(f"line {self.line} and what follows stands behind ENDATA, and was not read")
                break
            try:
                # The sense stands at the beginning of its line in some files.
                if line[0] in " \t" or (self.section == "OBJSENSE" and fields[0].upper() in SENSES):
                    handle(fields)
                else:
                    before = self.section
                    try:
                        self._header(fields)
                    finally:
                        handle = handlers.get(self.section, self._misplaced) if self.section != before else handle
            except Fault as fault:
                self.faults.add(self.line, fault.what, fault.fix)
        if "ENDATA" not in self.seen:
            what = "no ENDATA: the file is cut off" if self.seen else "not an MPS file"
            self.faults.add(self.line, what, "end the file with ENDATA" if self.seen else "begin with NAME or ROWS")
        self.faults.raise_any()

    # -- sections ----------------------------------------------------------------------------------------------------

    def _header(self, fields: list[str]) -> None:
        word = fields[0].upper()
        self._close()
        if word not in SECTIONS or (len(fields) > 1 and word not in ("NAME", "OBJSENSE", "OBJNAME")):
            self._unknown(word)
        if word in self.seen:
            raise Fault(f"a second {word} section", f"the first is on line {self.seen[word]}: keep one")
        self.seen[word] = self.line
        self.section = word
        before = BEFORE.get(word)
        if before and before not in self.seen:
            raise Fault(f"{word} before {before}", f"put the {before} section first")
        if word == "OBJNAME" and "ROWS" in self.seen:
            raise Fault(f"{word} behind ROWS", f"put {word} before ROWS")
        if word == "OBJSENSE" and "ROWS" in self.seen:
            self.remarks.append(f"OBJSENSE on line {self.line} stands behind ROWS, and was read all the same")
        if word == "NAME":
            self._title(fields[1:])
        elif len(fields) > 1:
            (self._sense if word == "OBJSENSE" else self._objective)(fields[1:])

    def _unknown(self, word: str) -> None:
        """Refuse a section; what stands in it could not be told from what follows, so nothing more is read."""
        if word in BEYOND:
            what, fix = f"section {word}: {BEYOND[word]}", "state a linear program"
        elif word in SECTIONS:
            what, fix = f"more behind '{word}'", "lines of data begin with a blank"
        else:
            what = f"'{word[:40]}' is not a section"
            fix = f"sections are {', '.join(SECTIONS)}; lines of data begin with a blank"
        self.faults.add(self.line, what, fix)
        self.faults.raise_any()

    def _title(self, words: list[str]) -> None:
        # Some readers take a second word for the format of the file.
        if words[1:] and words[-1].upper() == "FREE":
            words = words[:-1]
        if words[1:] and words[-1].upper() in ("FREEIEEE", "IEEE"):
            raise Fault("numbers in hexadecimal", "write the file with decimal numbers")
        self.name = " ".join(words)

    def _close(self) -> None:
        """What is to be decided when a section ends."""
        if self.section == "ROWS":
            self._choose_objective()
        if self.section == "COLUMNS" and self.in_integers:
            line, self.in_integers = self.in_integers, 0
            self.faults.add(line, "INTORG without INTEND", "end the integer columns with an INTEND marker")
        if self.section in ("OBJSENSE", "OBJNAME") and not (self.objective_name or self.is_maximised is not None):
            self.faults.add(self.line, f"{self.section} says nothing", "write MIN or MAX, or a row")

    def _choose_objective(self) -> None:
        if self.objective_name:
            self.objective = self.row_of.get(self.objective_name, 0)
            if self.objective_name not in self.row_of or self.objective >= 0:
                what = f"OBJNAME names '{self.objective_name}', which is no N row"
                self.faults.add(self.seen["OBJNAME"], what, "name a row of type N")
        elif not self.free:
            self.faults.add(self.line, "no objective", "write an N row into ROWS")

    def _misplaced(self, fields: list[str]) -> None:
        where = f"behind {self.section}" if self.section else "before any section"
        raise Fault(f"a line of data {where}, '{' '.join(fields)[:40]}'", "put it into a section, or remove it")

    # -- lines -------------------------------------------------------------------------------------------------------

    def _sense(self, fields: list[str]) -> None:
        word = " ".join(fields).upper()
        if word not in SENSES:
            raise Fault(f"OBJSENSE '{word[:40]}'", "write MIN or MAX")
        if self.is_maximised is not None:
            raise Fault("a second OBJSENSE", "keep one")
        self.is_maximised = SENSES[word]

    def _objective(self, fields: list[str]) -> None:
        if len(fields) != 1 or self.objective_name:
            raise Fault("OBJNAME names more than one row", "keep one")
        self.objective_name = fields[0]

    def _row(self, fields: list[str]) -> None:
        self._count(fields, (2,), "type and name")
        kind, name = fields[0].upper(), fields[1]
        if kind not in ("N", "E", "L", "G"):
            raise Fault(f"'{fields[0][:40]}' is not a type of row", "write N, E, L or G")
        if name in self.row_of:
            raise Fault(f"row '{name}' twice", "give each row its own name")
        if kind == "N":
            self.free.append(name)
            self.row_of[name] = -len(self.free)
        else:
            self.row_of[name] = len(self.kinds)
            self.kinds.append(kind)

    def _column(self, fields: list[str]) -> None:
        if len(fields) == 3 and fields[1].strip("'\"").upper() == "MARKER" and fields[1][0] in "'\"":
            self._marker(fields[2].strip("'\"").upper())
            return
        self._count(fields, (3, 5), "column, row, value, and perhaps another row and value")
        name = fields[0]
        column = self.column_of.get(name)
        if column is None:
            column = self.column_of[name] = len(self.is_integer)
            self.is_integer.append(self.in_integers > 0)
        elif self.is_integer[column] != (self.in_integers > 0):
            raise Fault(f"column '{name}' both inside and outside of the integer columns", "write it in one place")
        rows, columns, values, lines = self.entries
        for at in range(1, len(fields), 2):
            row = self.row_of.get(fields[at])
            if row is None:
                raise _unknown_row(fields[at])
            values.append(number_in(fields[at + 1]))
            rows.append(row)
            columns.append(column)
            lines.append(self.line)

    def _marker(self, word: str) -> None:
        if word not in ("INTORG", "INTEND"):
            raise Fault(f"marker '{word[:40]}'", "markers are 'INTORG' and 'INTEND'")
        if (word == "INTORG") == (self.in_integers > 0):
            raise Fault(f"a second {word}", "INTORG and INTEND take turns")
        self.in_integers = self.line if word == "INTORG" else 0

    def _right(self, fields: list[str]) -> None:
        for row, value in self._pairs(fields):
            if row in self.right:
                raise Fault("a second RHS of the same row", "keep one")
            number = number_in(value)
            if row >= 0 and abs(number) >= INFINITY:
                raise Fault("an infinite RHS", "write a finite value; a row without any side is of type N")
            self.right[row] = number

    def _range(self, fields: list[str]) -> None:
        for row, value in self._pairs(fields):
            if row < 0:
                raise Fault("a range of an N row", "only E, L and G rows have ranges")
            if row in self.ranges:
                raise Fault("a second range of the same row", "keep one")
            self.ranges[row] = bound_in(value)

    def _pairs(self, fields: list[str]) -> list[tuple[int, str]]:
        """Row and value of a line of RHS or RANGES, whether it names its vector or not."""
        self._count(fields, (2, 3, 4, 5), "perhaps a name, then row and value once or twice")
        if len(fields) % 2:
            self._vector(fields[0])
        found = []
        for at in range(len(fields) % 2, len(fields), 2):
            if fields[at] not in self.row_of:
                raise _unknown_row(fields[at])
            found.append((self.row_of[fields[at]], fields[at + 1]))
        return found

    def _vector(self, name: str) -> None:
        first = self.vectors.setdefault(self.section, name)
        if name != first:
            what = f"a second vector of {self.section}, '{name[:40]}' beside '{first[:40]}'"
            raise Fault(what, "readers disagree on which counts: keep one")

    def _bound(self, fields: list[str]) -> None:
        kind = fields[0].upper()
        if kind not in SIDES:
            what = "semi-continuous columns" if kind in ("SC", "SI", "SN") else f"'{fields[0][:40]}' is not a bound"
            raise Fault(what, f"bounds are {', '.join(SIDES)}")
        name, value = self._bounded(kind, fields)
        column = self.column_of[name]
        if kind in INTEGER:
            self.is_integer[column] = True
        for which, sides, bound in zip(("lower", "upper"), (self.lower, self.upper), SIDES[kind], strict=True):
            if bound is None:
                continue
            # PL says again what a column has anyway, and is narrowed by an upper bound behind it.
            if column in sides and not (which == "upper" and column in self.unlimited):
                raise Fault(f"a second {which} bound of column '{name}'", "keep one")
            sides[column] = value if isinstance(bound, str) else bound
            if kind == "PL":
                self.unlimited.add(column)
            elif which == "upper":
                self.unlimited.discard(column)
        low, high = self.lower.get(column, -inf), self.upper.get(column, inf)
        if low > high:
            raise Fault(
                f"column '{name}' has an upper bound, {high:g}, below the lower, {low:g}", "correct one of them"
            )

    def _bounded(self, kind: str, fields: list[str]) -> tuple[str, float]:
        """The column of a bound and its value, 0 where the kind has none."""
        names = fields[1:]
        if kind in WITHOUT_VALUE:
            self._count(fields, (2, 3, 4), "type, perhaps a name, column")
            if len(fields) == 4 or (len(fields) == 3 and names[1] not in self.column_of and names[0] in self.column_of):
                _check_idle(kind, names.pop())
            value = 0.0
        else:
            self._count(fields, (3, 4), "type, perhaps a name, column, value")
            value = bound_in(names.pop())
            if (kind in ("LO", "LI", "FX") and value == inf) or (kind in ("UP", "UI", "FX") and value == -inf):
                raise Fault(f"an infinite {kind}", "write a finite value")
        if len(names) == 2:
            self._vector(names[0])
        if names[-1] not in self.column_of:
            raise Fault(f"no column '{names[-1][:40]}'", "bounds name columns of COLUMNS")
        return names[-1], value

    def _count(self, fields: list[str], counts: tuple[int, ...], what: str) -> None:
        if len(fields) not in counts:
            fix = f"write {what}; names have no blanks"
            raise Fault(f"{len(fields)} field{'s' * (len(fields) != 1)} in {self.section}", fix)


def _unknown_row(name: str) -> Fault:
    return Fault(f"no row '{name[:40]}'", "name a row of ROWS")


def _check_idle(kind: str, word: str) -> None:
    """A value behind a bound that has none is let pass where it says what the bound says anyway."""
    value = bound_in(word)
    said = {"BV": (0.0, 1.0), "MI": (0.0, -inf), "PL": (0.0, inf), "FR": (0.0, inf, -inf)}[kind]
    if value not in said:
        raise Fault(f"a value, {word[:40]}, behind {kind}, which has none", "remove it, or write another bound")
