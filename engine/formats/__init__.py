"""Files of bilevel programs: read strictly, so that nothing unknown is passed over in silence."""

from __future__ import annotations

from pathlib import Path

from engine.formats.neutral import parse_neutral
from engine.formats.neutral_writer import write_neutral
from engine.formats.pair import read_pair
from engine.formats.pair_writer import write_pair
from engine.formats.text import Malformed, Unreadable, broken, text_of
from engine.problem import BilevelProblem

__all__ = ["Malformed", "Unreadable", "read", "write_neutral", "write_pair"]


def read(path: str | Path, auxiliary: str | Path | None = None) -> BilevelProblem:
    """The bilevel program in a file, whatever its format: JSON, or MPS with its auxiliary file.

    Parameters
    ----------
    path : a ``bilevel-neutral/1`` file or an MPS file, packed with gzip or not; ``-`` reads ``bilevel-neutral/1`` from
        standard input
    auxiliary : the auxiliary file of an MPS file; without it ``X.aux``, then ``X.txt`` beside ``X.mps``

    Raises
    ------
    Unreadable
        A file is missing or cannot be read.
    Malformed
        A file does not say one bilevel program; all that is wrong with it, each with its place.
    """
    name = str(path)
    kind = name.lower().removesuffix(".gz")
    if kind.endswith(".lp"):
        fix = "convert it to MPS with any solver; the names must stay the same"
        raise broken(name, "an LP file, which is not read, as its dialects differ", fix)
    if kind.endswith((".aux", ".txt")):
        raise broken(
            name, "an auxiliary file, where a program is expected", "name the MPS file, and this one with --aux"
        )
    is_json = name == "-" or kind.endswith(".json") or (not kind.endswith(".mps") and _begins_as_json(name))
    if not is_json:
        return read_pair(name, auxiliary)
    if auxiliary is not None:
        raise broken(name, "a JSON file says both levels by itself", "leave the auxiliary file out")
    return parse_neutral(text_of(name), name)


def _begins_as_json(name: str) -> bool:
    return text_of(name).lstrip()[0] in "{["
