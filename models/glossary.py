"""The words of reports: read from the glossary, which is data, so that the program, its pages and its tests say the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from coercivity.engine.data.values import sometimes


@dataclass(frozen=True)
class Word:
    """One word."""

    word: str  # as reports write it
    says: str  # what it means
    unit: str = ""  # of the figure that bears its name; empty for what is none
    also: Sequence[str] = ()  # other spellings
    see: Sequence[str] = ()  # words that it leads to


@dataclass(frozen=True)
class Meaning:
    """One meaning of a word."""

    word: str  # as it is written
    kind: str  # word: of reports; field: of an instance; key: of a result
    says: str  # what it means
    unit: str | None = sometimes()  # of the figure; only where it is known
    where: str | None = sometimes()  # the value of a result that has the key; only for keys
    see: tuple[str, ...] | None = sometimes()  # words that it leads to; only for words


@dataclass(frozen=True)
class Explanation:
    """What a word means, or all words."""

    schema_version: int  # of this layout
    command: str  # explain
    asked: str | None  # the word; None for all of the glossary
    meanings: tuple[Meaning, ...]  # the glossary's first, then fields of an instance, then keys of results


@cache
def words() -> Mapping[str, Word]:
    """The glossary, by word, in its own order."""
    from ruamel.yaml import YAML

    text = resources.files("coercivity.models").joinpath("glossary.yaml").read_text("utf-8")
    data: dict[str, Any] = YAML(typ="safe").load(text)["words"]
    return {
        str(word): Word(
            str(word),
            entry["says"],
            str(entry.get("unit", "")),
            tuple(entry.get("also", ())),
            tuple(entry.get("see", ())),
        )
        for word, entry in data.items()
    }


def folded(text: str) -> str:
    """A word without the differences between how people, reports and keys write it.

    >>> folded("Market-left"), folded("market_left"), folded("the leader's share")
    ('market left', 'market left', "the leader's share")
    """
    return " ".join(text.replace("_", " ").replace("-", " ").lower().split())


@cache
def spellings() -> Mapping[str, str]:
    """Every spelling, folded, with the word that it stands for; a word itself goes before another one's spelling."""
    found = {folded(other): word.word for word in words().values() for other in word.also}
    # A proof level is spelt like an answer but for its capitals; the answer is what people mean by small letters.
    return found | {folded(word): word for word in reversed(list(words()))}


def said(texts: Sequence[str]) -> dict[str, str]:
    """The words of the glossary that these texts say, in its order, with their meanings; of proof levels the capitals count.

    >>> list(said(["Leverage at the end of 2030: nothing"]))
    ['leverage']
    """
    read = " ".join(re.sub(r"[^A-Za-z0-9_-]+", " ", text) for text in texts)
    spelt, small = f" {read} ", f" {folded(read)} "
    return {
        word.word: word.says
        for word in words().values()
        if (f" {word.word} " in spelt if word.word.isupper() else f" {folded(word.word)} " in small)
    }


def meaning(text: str) -> Word | None:
    """The word of a spelling, exact capitals first; None where the glossary has none."""
    known = words()
    if text in known:
        return known[text]
    name = spellings().get(folded(text))
    return None if name is None else known[name]
