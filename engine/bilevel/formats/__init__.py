"""Files of bilevel programs: read strictly, so that nothing unknown is passed over in silence."""

from __future__ import annotations

from pathlib import Path

from coercivity.engine.bilevel.formats.mps.pair import read_pair
from coercivity.engine.bilevel.formats.mps.writer import write_pair
from coercivity.engine.bilevel.formats.neutral.reader import parse_neutral
from coercivity.engine.bilevel.formats.neutral.writer import write_neutral
from coercivity.engine.bilevel.problem import BilevelProblem
from coercivity.engine.data.text import Malformed, Unreadable, broken, text_of
from coercivity.engine.errors import UsageError

__all__ = ["Malformed", "Unreadable", "read", "write", "write_neutral", "write_pair"]


def read(path: str | Path, auxiliary: str | Path | None = None) -> BilevelProblem:
    """The bilevel program in a file, whatever its format: JSON, or MPS or LP with its auxiliary file.

    Parameters
    ----------
    path : a ``bilevel-neutral/1`` file or an MPS file, packed with gzip or not, or an LP file; ``-`` reads ``bilevel-neutral/1`` from
        standard input
    auxiliary : the auxiliary file of an MPS or LP file; without it ``X.aux``, then ``X.txt`` beside ``X.mps``

    Raises
    ------
    Unreadable
        A file is missing or cannot be read.
    Malformed
        A file does not say one bilevel program; all that is wrong with it, each with its place.
    """
    name = str(path)
    kind = name.lower().removesuffix(".gz")
    if kind.endswith((".aux", ".txt")):
        raise broken(
            name, "an auxiliary file, where a program is expected", "name the MPS file, and this one with --aux"
        )
    is_json = name == "-" or kind.endswith(".json") or (not kind.endswith((".mps", ".lp")) and _begins_as_json(name))
    if not is_json:
        return read_pair(name, auxiliary)
    if auxiliary is not None:
        raise broken(name, "a JSON file says both levels by itself", "leave the auxiliary file out")
    return parse_neutral(text_of(name), name)


def write(problem: BilevelProblem, path: str | Path) -> tuple[Path, ...]:
    """Write a program in the format that the file's name asks for; the files written.

    Raises
    ------
    UsageError
        The name asks for no format that is known, the file is there already, or the format cannot say the problem.
    """
    name = str(path)
    if not name.endswith((".mps", ".json")):
        raise UsageError(name, "the name says no format", "let it end in .mps, or in .json for bilevel-neutral/1")
    targets = [Path(name), *([Path(name).with_suffix(".aux")] if name.endswith(".mps") else [])]
    for target in targets:
        if target.exists():
            raise UsageError(
                str(target), "it is there already, and is not written over", "choose another name, or remove it"
            )
    if name.endswith(".json"):
        return (write_neutral(problem, path),)
    pair = write_pair(problem, path)
    return (pair.mps, pair.auxiliary)


def _begins_as_json(name: str) -> bool:
    return text_of(name).lstrip()[0] in "{["
