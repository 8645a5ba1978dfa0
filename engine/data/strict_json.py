"""JSON read strictly: no key twice in an object, no number that is not finite."""

from __future__ import annotations

import json
from typing import Any

from coercivity.engine.data.text import broken


class _Repeated(Exception):
    pass


def parsed(text: str, name: str) -> Any:
    """The plain data of a JSON text, in which no key is written twice and every number is finite.

    Raises
    ------
    Malformed
        It is not JSON, or not that strict; with line and column.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refused)
    except json.JSONDecodeError as error:
        where = f"{name}:{error.lineno}:{error.colno}"
        raise broken(where, f"is not JSON: {error.msg}", "mend it there") from None
    except _Repeated as error:
        raise broken(name, f"the key {error} twice in one object", "keep one") from None
    except ValueError as error:
        raise broken(name, str(error), "write a finite number, or null for a bound that is not there") from None
    except RecursionError:
        raise broken(name, "nested too deeply", "write the lists of the format") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Repeated(repr(next(key for at, key in enumerate(keys) if key in keys[:at])))
    return data


def _refused(word: str) -> float:
    raise ValueError(f"{word} is not a finite number")
