"""Reader of auxiliary files: which columns and rows of an MPS file are the follower's, and what it minimises.

Three forms, told apart by their keywords:

- named: ``@NUMVARS``, ``@NUMCONSTRS``, ``@VARSBEGIN`` … ``@VARSEND`` (name and cost), ``@CONSTRSBEGIN`` … ``@CONSTRSEND``,
  and perhaps ``@OBJSENSE`` (of the follower) and, not used, ``@NAME``, ``@MPS``, ``@LP``; in any order. Its first version
  had ``N``, ``M`` and ``OS`` for the counts and the sense, and sections without an end. ``@FOLLOWER NAME`` in front of each of several
  followers, which nobody else reads, makes what stands behind it that follower's own;
- by keyword: ``N``, ``M``, ``LC`` (column, counted from 0 in order of first appearance, or its name), ``LR`` (row,
  counted from 0 without N rows, or its name), ``LO`` (cost of the k-th column), ``OS`` (1 minimise, −1 maximise);
- interdiction: by keyword, with ``IC`` (cost of attacking the k-th column) and ``IB`` (budget). The MPS file then holds the
  follower alone: ``LC``, ``LR`` and ``M`` count what is not in it and are not used.

Source: the files of MibS and BOBILib; what their readers pass over in silence is refused here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from coercivity.engine.bilevel.formats.mps.reader import MpsProgram
from coercivity.engine.bilevel.formats.mps.sections import SENSES
from coercivity.engine.bilevel.problem import Floats
from coercivity.engine.data.text import Fault, Faults, lines_of, number_in

# Spellings that are found beside the usual ones.
SPELLINGS = {
    "@NUMCONSTR": "@NUMCONSTRS", "@CONSTRBEGIN": "@CONSTRSBEGIN", "@CONSTSBEGIN": "@CONSTRSBEGIN",
    "@CONSTREND": "@CONSTRSEND", "@CONSTSEND": "@CONSTRSEND",
}  # fmt: skip
FIRST_VERSION = {"N": "@NUMVARS", "M": "@NUMCONSTRS", "OS": "@OBJSENSE"}
FOLLOWERS_SENSES = {**SENSES, "1": False, "-1": True}
COUNTS = {"@NUMVARS": "column", "@NUMCONSTRS": "row"}
BEGINS = {"@VARSBEGIN": "column", "@CONSTRSBEGIN": "row"}
ENDS = {"@VARSEND": "column", "@CONSTRSEND": "row"}
NAMED = (*COUNTS, *BEGINS, *ENDS, "@NAME", "@MPS", "@LP", "@OBJSENSE", "@FOLLOWER")
KEYWORDS = ("N", "M", "LC", "LR", "LO", "OS", "IC", "IB")
ONCE = ("N", "M", "OS", "IB")

# Words and the number of their line; a value and the number of its line.
Line = tuple[int, list[str]]
Said = Mapping[str, list[tuple[str, int]]]
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Interdiction:
    """What it costs the leader to attack each column, shape (columns,), and its budget."""

    costs: Floats
    budget: float


@dataclass(frozen=True)
class Auxiliary:
    """What an auxiliary file says of the columns and rows of an MPS file.

    Attributes
    ----------
    columns, rows : positions of the follower's, in the order of the MPS file
    costs : what the follower's objective has for each of ``columns``, as written
    is_maximised : whether the follower maximises it
    interdiction : the leader's attack; None for a file that splits the MPS file between the two
    remarks : what was passed over in the file, a sentence each
    members, owners : of several followers the name of whom each of ``columns`` and of ``rows`` belongs to; empty for one
    """

    columns: tuple[int, ...]
    rows: tuple[int, ...]
    costs: Floats
    is_maximised: bool = False
    interdiction: Interdiction | None = None
    remarks: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


def parse_auxiliary(text: str, name: str, program: MpsProgram) -> Auxiliary:
    """What the text of an auxiliary file says of a program; ``name`` is what to call it in messages.

    Raises
    ------
    Malformed
        It is not an auxiliary file of this program; every fault with its line.
    """
    known = {*program.columns.names, *program.rows.names}
    lines, starred = list(_lines(text)), []
    for number, words in list(lines):
        # As in MPS files, unless that is how a name begins.
        if words[0].startswith("*") and words[0] not in known:
            lines.remove((number, words))
            starred.append(f"{name}: line {number} begins with *, and was taken for a comment")
    is_named = any(words[0].startswith("@") for _, words in lines)
    return replace((_Named if is_named else _Keywords)(name, program).read(lines), remarks=tuple(starred))


def _lines(text: str) -> Iterator[Line]:
    """Number and words of each line; a word that begins with # begins a comment, as names may contain it."""
    for number, line in enumerate(lines_of(text), start=1):
        words = line.split()
        comment = next((at for at, word in enumerate(words) if word[0] == "#"), len(words))
        if words[:comment]:
            yield number, words[:comment]


class _Form:
    """What both forms need: the names of the program, and the faults."""

    def __init__(self, name: str, program: MpsProgram) -> None:
        self.program, self.faults = program, Faults(name)
        names = {"column": program.columns.names, "row": program.rows.names}
        self.position = {kind: {name: at for at, name in enumerate(known)} for kind, known in names.items()}

    def find(self, kind: str, word: str) -> int:
        """The position of a column or row by its name."""
        found = self.position[kind].get(word)
        if found is None:
            if kind == "row" and word in self.program.free_rows:
                raise Fault(f"row '{word[:40]}' is an N row, which binds nobody", "remove it from the follower's rows")
            near = difflib.get_close_matches(word, list(self.position[kind])[:10_000], 1)
            fix = f"did you mean '{near[0]}'?" if near else f"name a {kind} of {self.program.file}"
            raise Fault(f"no {kind} '{word[:40]}' in the MPS file", fix)
        return found


class _Named(_Form):
    """Reads the named form."""

    def read(self, lines: Sequence[Line]) -> Auxiliary:
        """What numbered lines of words say; raises Malformed."""
        self.found: dict[str, dict[int, float]] = {"column": {}, "row": {}}
        self.counts: dict[str, tuple[int, int]] = {}
        self.seen: dict[str, int] = {}
        self.is_maximised = self.is_first_version = False
        # Of several followers: whose each position is, the one that is being read, and the senses that they state.
        self.whose: dict[str, dict[int, str]] = {"column": {}, "row": {}}
        self.follower, self.senses = "", dict[str, bool]()
        # The section that is open, and the keyword whose value is to come.
        self.open = self.awaiting = ""
        number = 0
        for number, words in lines:
            try:
                if not self.open and not self.awaiting and words[0] in FIRST_VERSION:
                    self.is_first_version = True
                    self._keyword([FIRST_VERSION[words[0]], *words[1:]], number)
                else:
                    (self._keyword if words[0].startswith("@") else self._data)(words, number)
            except Fault as fault:
                self.faults.add(number, fault.what, fault.fix)
        if self.open and not self.is_first_version:
            self.faults.add(number, f"the follower's {self.open}s have no end", "write @VARSEND or @CONSTRSEND")
        if self.awaiting:
            self.faults.add(number, f"{self.awaiting} says nothing", "write its value on the next line")
        self._check_counts()
        self._check_senses()
        self.faults.raise_any()
        columns = sorted(self.found["column"])
        costs = np.array([self.found["column"][column] for column in columns], dtype=float)
        rows = sorted(self.found["row"])
        members, owners = (
            tuple(self.whose[kind][at] for at in places) if self.senses else ()
            for kind, places in (("column", columns), ("row", rows))
        )
        return Auxiliary(
            tuple(columns), tuple(rows), costs, self.is_maximised, members=members, owners=owners if members else ()
        )

    def _next_follower(self, name: str, line: int) -> None:
        """What stands behind is this follower's own."""
        if name in self.senses or (self.seen.keys() - {"@NAME", "@MPS", "@LP", "@FOLLOWER"} and not self.senses):
            raise Fault(f"@FOLLOWER '{name[:40]}'", "name each follower once, in front of all that it says")
        if self.senses:
            self._check_counts()
        self.counts, self.seen = {}, {word: at for word, at in self.seen.items() if word in ("@NAME", "@MPS", "@LP")}
        self.follower, self.senses[name] = name, False

    def _check_senses(self) -> None:
        if len(set(self.senses.values())) > 1:
            self.faults.add(0, "one follower maximises and another minimises", "state all objectives in one sense")

    def _keyword(self, words: list[str], line: int) -> None:
        word = SPELLINGS.get(words[0].upper(), words[0].upper())
        if word not in NAMED:
            near = difflib.get_close_matches(word, NAMED, 1)
            fix = f"did you mean {near[0]}?" if near else f"keywords are {', '.join(NAMED)}"
            raise Fault(f"unknown keyword '{words[0][:40]}'", fix)
        if self.awaiting:
            missing, self.awaiting = self.awaiting, ""
            self.faults.add(line, f"{missing} says nothing", "write its value on the next line")
        if word in self.seen:
            raise Fault(f"a second {word}", f"the first is on line {self.seen[word]}: keep one")
        self.seen[word] = line
        if word in BEGINS or word in ENDS:
            self._section(word, len(words))
        elif self.open:
            missing, self.open = self.open, ""
            raise Fault(f"{word} before the end of the follower's {missing}s", "end them first")
        elif len(words) > 1:
            self._value(word, words[1:], line)
        else:
            self.awaiting = word

    def _section(self, word: str, count: int) -> None:
        """Begin or end a section."""
        if count > 1:
            raise Fault(f"more behind {word}", "write the entries on lines of their own")
        if word in ENDS and ENDS[word] != self.open:
            raise Fault(f"{word} without its beginning", "begin the section first")
        if word in BEGINS and self.open and not self.is_first_version:
            missing, self.open = self.open, BEGINS[word]
            raise Fault(f"{word} before the end of the follower's {missing}s", "end them first")
        self.open = BEGINS.get(word, "")

    def _data(self, words: list[str], line: int) -> None:
        if self.awaiting:
            word, self.awaiting = self.awaiting, ""
            self._value(word, words, line)
        elif self.open == "column":
            if len(words) != 2:
                raise Fault(f"{len(words)} fields for a column", "write its name and its cost; names have no blanks")
            self._add("column", words[0], number_in(words[1]))
        elif self.open == "row":
            if len(words) != 1:
                raise Fault(f"{len(words)} fields for a row", "write its name alone; names have no blanks")
            self._add("row", words[0], 0.0)
        else:
            raise Fault(f"'{' '.join(words)[:40]}' belongs to no keyword", "put it into a section, or remove it")

    def _value(self, word: str, words: list[str], line: int) -> None:
        text = " ".join(words)
        if word in COUNTS:
            self.counts[COUNTS[word]] = (_count(text), line)
        elif word == "@OBJSENSE":
            if text.upper() not in FOLLOWERS_SENSES:
                raise Fault(f"@OBJSENSE '{text[:40]}'", "write MIN or MAX")
            self.is_maximised = FOLLOWERS_SENSES[text.upper()]
            if self.senses:
                self.senses[self.follower] = self.is_maximised
        elif word == "@FOLLOWER":
            self._next_follower(text, line)

    def _add(self, kind: str, word: str, cost: float) -> None:
        at, found = self.find(kind, word), self.found[kind]
        if at in found:
            raise Fault(f"{kind} '{word[:40]}' twice", "keep one")
        found[at] = cost
        self.whose[kind][at] = self.follower

    def _check_counts(self) -> None:
        if self.faults.found:
            return
        for key, kind in COUNTS.items():
            listed = sum(owner == self.follower for owner in self.whose[kind].values())
            count, line = self.counts.get(kind, (-1, 0))
            if count < 0:
                self.faults.add(0, f"no {key}", f"write {key} and {listed} at the beginning")
            elif count != listed:
                self.faults.add(line, f"{key} is {count}, and {listed} {kind}s are listed", "correct one of the two")


class _Keywords(_Form):
    """Reads the form by keyword, with or without interdiction."""

    def read(self, lines: Sequence[Line]) -> Auxiliary:
        """What numbered lines of words say; raises Malformed."""
        said: dict[str, list[tuple[str, int]]] = {key: [] for key in KEYWORDS}
        words = [(word, number) for number, line in lines for word in line]
        for (key, number), (value, _) in zip(words[::2], [*words[1::2], ("", 0)], strict=False):
            if key not in said:
                # What follows can no longer be told to be a keyword or a value.
                self.faults.add(number, f"unknown keyword '{key[:40]}'", f"keywords are {', '.join(KEYWORDS)}, or @…")
                self.faults.raise_any()
            if not value:
                self.faults.add(number, f"{key} says nothing", "write its value behind it")
            elif key in ONCE and said[key]:
                self.faults.add(number, f"a second {key}", f"the first is on line {said[key][0][1]}: keep one")
            said[key].append((value, number))
        for key in ("N", "M"):
            if not said[key]:
                self.faults.add(0, f"no {key}", "write N and M, the numbers of the follower's columns and rows, first")
        self.faults.raise_any()
        answer = (self._interdiction if said["IC"] or said["IB"] else self._split)(said)
        self.faults.raise_any()
        return answer

    def _noted(self, reader: Callable[[str], Number], word: str, line: int) -> Number | None:
        """What a word says; None, and a fault, where it says nothing that is wanted."""
        try:
            return reader(word)
        except Fault as fault:
            self.faults.add(line, fault.what, fault.fix)
            return None

    def _numbers(self, entries: Sequence[tuple[str, int]]) -> list[float]:
        values = [self._noted(number_in, word, line) for word, line in entries]
        return [value for value in values if value is not None]

    def _sense(self, said: Said) -> bool:
        """Whether the follower maximises; nothing said, it minimises."""
        values = self._numbers(said["OS"])
        if values and values[0] not in (1.0, -1.0):
            self.faults.add(said["OS"][0][1], f"OS is {values[0]:g}", "write 1 (minimise) or -1 (maximise)")
        return values == [-1.0]

    def _check_count(self, said: Said, key: str, listed: str) -> None:
        word, line = said[key][0]
        count = self._noted(_count, word, line)
        if count not in (None, len(said[listed])):
            what = f"{key} is {count}, and there are {len(said[listed])} lines {listed}"
            self.faults.add(line, what, "correct one of the two")

    def _split(self, said: Said) -> Auxiliary:
        for key, listed in (("N", "LC"), ("M", "LR"), ("N", "LO")):
            self._check_count(said, key, listed)
        costs, is_maximised = self._numbers(said["LO"]), self._sense(said)
        columns, rows = (self._positions(kind, said[key]) for kind, key in (("column", "LC"), ("row", "LR")))
        self.faults.raise_any()
        order = np.argsort(columns)
        chosen = np.array(costs, dtype=float)[order]
        return Auxiliary(tuple(sorted(columns)), tuple(sorted(rows)), chosen, is_maximised)

    def _positions(self, kind: str, entries: Sequence[tuple[str, int]]) -> list[int]:
        found: dict[int, int] = {}
        for word, line in entries:
            at = self._noted(partial(self._position, kind), word, line)
            if at in found:
                self.faults.add(line, f"{kind} {word[:40]} twice", f"the first is on line {found[at]}: keep one")
            elif at is not None:
                found[at] = line
        return list(found)

    def _position(self, kind: str, word: str) -> int:
        """The position that a number counts from 0, or a name names; a number is a number first."""
        if not re.fullmatch(r"-?\d+", word, re.ASCII):
            return self.find(kind, word)
        count = len(self.position[kind])
        if len(word) > 9 or not 0 <= int(word) < count:
            raise Fault(f"no {kind} {word[:40]}: the MPS file has {count}", f"count from 0 to {count - 1}")
        return int(word)

    def _interdiction(self, said: Said) -> Auxiliary:
        width = len(self.program.columns)
        for key in ("IC", "LO"):
            if len(said[key]) != width:
                what = f"{len(said[key])} lines {key}, and the MPS file has {width} columns"
                self.faults.add(said["N"][0][1], what, f"write one {key} for each column")
        self._check_count(said, "N", "IC")
        if self.program.is_maximised:
            self.faults.add(0, "OBJSENSE MAX in an interdiction", "readers disagree on whom it binds: minimise")
        if not said["IB"]:
            self.faults.add(0, "no IB", "write IB and the leader's budget")
        costs, attack, budget = (np.array(self._numbers(said[key]), dtype=float) for key in ("LO", "IC", "IB"))
        is_maximised = self._sense(said)
        self.faults.raise_any()
        rows = tuple(range(len(self.program.rows)))
        return Auxiliary(tuple(range(width)), rows, costs, is_maximised, Interdiction(attack, float(budget[0])))


def _count(word: str) -> int:
    """The whole number that is said."""
    if not word.isascii() or not word.isdigit() or len(word) > 9:
        raise Fault(f"'{word[:40]}' is not a count", "write a whole number")
    return int(word)
