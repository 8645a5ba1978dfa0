"""``coercivity explain``: a word looked up in the glossary, among the fields of an instance, and among the keys of results."""

from __future__ import annotations

import difflib
from functools import cache

from coercivity.engine.data.values import meanings, parts_of
from coercivity.engine.desk import terminal
from coercivity.engine.errors import UsageError
from coercivity.engine.report.text import Block, Column, Prose, Table
from coercivity.models.glossary import Explanation, Meaning, Word, folded, meaning, words


def explain(word: str | None, form: str) -> None:
    """Print what a word means; without one all words of the glossary.

    Raises
    ------
    UsageError
        Nobody uses the word; with those that are spelt like it.
    """
    found = explained(word)
    terminal.show(form, found, lambda: _blocks(found), lambda: [_row(one) for one in found.meanings])


def explained(word: str | None) -> Explanation:
    """What a word means; raises as :func:`explain`."""
    if word is None:
        return Explanation(1, "explain", None, tuple(map(_of_glossary, words().values())))
    known = meaning(word)
    found = [] if known is None else [_of_glossary(known)]
    found += [field for field in fields() if _is_field(field.word, word)]
    found += [key for key in keys() if key.word == word]
    if not found:
        names = [*(word for one in words().values() for word in (one.word, *one.also)), *(one.word for one in fields())]
        spelt = {folded(name): name for name in [*names, *(key.word for key in keys())]}
        near = [spelt[close] for close in difflib.get_close_matches(folded(word), spelt, 3, 0.6)]
        fix = f"did you mean {' or '.join(map(repr, near))}?" if near else "coercivity explain lists all words"
        raise UsageError(word or "''", "no word of reports, instances or results", fix)
    return Explanation(1, "explain", word, tuple(dict.fromkeys(found)))


def _of_glossary(word: Word) -> Meaning:
    return Meaning(word.word, "word", word.says, word.unit or None, see=tuple(word.see) or None)


@cache
def fields() -> tuple[Meaning, ...]:
    """The fields of an instance, as the editor's schema tells them."""
    from coercivity.models.licensing.data.schema import told_fields

    return tuple(Meaning(one.path, "field", one.says, one.unit) for one in told_fields())


def _is_field(pattern: str, asked: str) -> bool:
    """Whether a path, or the last of its keys, is the field of a pattern."""
    if asked == pattern:
        return True
    if "." not in asked:
        return pattern.rsplit(".", 1)[-1] == asked
    parts, names = pattern.split("."), asked.split(".")
    return len(parts) == len(names) and all(part in ("*", name) for part, name in zip(parts, names, strict=True))


@cache
def keys() -> tuple[Meaning, ...]:
    """The keys of results with what their comments say."""
    from coercivity.models.kinds import KINDS

    parts = list(dict.fromkeys(part for kind in KINDS.values() for part in parts_of(kind)))
    return tuple(
        Meaning(key, "key", says, where=part.__name__) for part in parts for key, says in meanings(part).items()
    )


def _blocks(found: Explanation) -> list[Block]:
    if found.asked is None:
        columns = [Column("word", "text"), Column("meaning", "text")]
        return [Table("", columns, [[one.word, one.says] for one in found.meanings], stacks=True)]
    told: list[Block] = []
    alike: dict[tuple[str, str | None], list[str]] = {}
    for one in found.meanings:
        if one.kind == "word":
            told.append(Prose(_title(one), _says(one)))
        elif one.kind == "field":
            alike.setdefault((one.says, one.unit), []).append(one.word)
    for (says, unit), paths in alike.items():
        title = f"{', '.join(paths)}: {'fields' if len(paths) > 1 else 'a field'} of an instance"
        told.append(Prose(title + (f" ({unit})" if unit and unit != "1" else ""), [says]))
    # One key of many results mostly means the same everywhere.
    places: dict[str, list[str]] = {}
    for one in found.meanings:
        if one.kind == "key":
            places.setdefault(one.says, []).append(str(one.where))
    rows = [[says, ", ".join(where)] for says, where in places.items()]
    heads = [Column("unit and meaning", "text"), Column("of", "text")]
    return told + ([Table(f"{found.asked}, a key of results", heads, rows, stacks=True)] if rows else [])


def _title(one: Meaning) -> str:
    return one.word + (f" ({one.unit})" if one.unit and one.unit != "1" else "")


def _says(one: Meaning) -> list[str]:
    return [one.says, *([f"See also: {', '.join(one.see)}."] if one.see else [])]


def _row(one: Meaning) -> dict[str, str | None]:
    return {"word": one.word, "kind": one.kind, "meaning": one.says, "unit": one.unit, "where": one.where}
