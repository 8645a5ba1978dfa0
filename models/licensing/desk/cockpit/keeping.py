"""How a view is kept: the command that shows it again, and the text of a variant to paste into a file of one's own."""

from __future__ import annotations

import io
import shlex
from typing import Any

from ruamel.yaml import YAML

from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.strategies import Rule
from coercivity.models.licensing.desk.cockpit.reading import Reader, changed, grid_strategy, parameter_at
from coercivity.models.licensing.desk.cockpit.wishes import Wish

NAME = "cockpit"


def kept(instance: Instance, given: str, wish: Wish) -> dict[str, str]:
    """The command and the variant of a view; raises CoercivityError where the view is refused."""
    numbers = Reader.numbers_of(instance)
    changed(instance, numbers, wish.values)  # what cannot be loaded is not to be kept
    parameters = [(parameter_at(numbers, path, value), value) for path, value in wish.values.items()]
    sets: dict[str, Any] = {path: said for one, value in parameters for path, said in one.changes(value)}
    words = [f"--set {shlex.quote(f'{path}={said}')}" for path, said in sets.items()]
    document: dict[str, Any] = {}
    if sets:
        document["variants"] = {NAME: {"title": "A view of the cockpit", "set": sets}}
    if wish.postures is not None:
        grid = grid_strategy(instance, wish)
        said: dict[str, Any] = {"title": "The grid of the cockpit", "rules": [_plain(rule) for rule in grid.rules]}
        if grid.if_conceded:
            said["if_conceded"] = [_plain(rule) for rule in grid.if_conceded]
        document["strategies"] = {NAME: said}
        command = f"coercivity solve FILE --strategy {NAME}" + (f" --variant {NAME}" if sets else "")
    else:
        command = " ".join([f"coercivity solve {given}", f"--strategy {shlex.quote(wish.strategy)}", *words])
    return {"command": command, "variant": yaml_of(document)}


def _plain(rule: Rule) -> dict[str, Any]:
    return rule.model_dump(exclude_none=True)


def yaml_of(document: dict[str, Any]) -> str:
    """A document as YAML; a remark alone where it says nothing."""
    if not document:
        return "# As stated: there is nothing to keep.\n"
    text = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 110
    yaml.dump(document, text)
    return f"# Put these under the keys of the same name in your own instance file.\n{text.getvalue()}"
