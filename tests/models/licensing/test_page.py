"""The page of the licensing game and its formulation say the same: symbols, laws, fields, units, terms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyomo.environ as pyo
import pytest

from coercivity.engine.proof.certificate import ProofLevel
from coercivity.models.licensing.announcement.announce import HAZARD_FLOOR, Announcer
from coercivity.models.licensing.buyers.evaluate import AXES
from coercivity.models.licensing.buyers.formulation import build
from coercivity.models.licensing.data.instance import Instance
from coercivity.models.licensing.data.load import json_schema
from coercivity.models.licensing.leader.payoff import TERMS
from coercivity.models.licensing.leader.search import TILT
from coercivity.models.licensing.market.arrays import market_of
from tests.rich_instance import loaded, rich

PAGE = (Path(__file__).parents[3] / "models/licensing/README.md").read_text("utf-8")
CODE = re.compile(r"`([^`]+)`")


def section(title: str) -> str:
    """The text under a heading, up to the next heading of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,3}} |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title!r}"
    level = len(found[1])
    rest = PAGE[found.start() + level :]
    end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(title: str) -> Iterator[dict[str, str]]:
    """The rows of all tables of a section, by column; a bar is never part of a cell on this page."""
    head: list[str] = []
    for line in section(title).splitlines():
        if not line.startswith("|"):
            head = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not head:
            head = cells
        elif not set(line) <= set("|-: "):
            assert len(cells) == len(head), f"{title}: {line}"
            yield dict(zip(head, cells, strict=True))


def named(title: str, column: str) -> list[str]:
    """The code names in a column of a section's tables."""
    return [name for row in rows(title) if column in row for name in CODE.findall(row[column])]


@cache
def models() -> tuple[pyo.ConcreteModel, ...]:
    """Models that hold every component between them: two options on one segment, both kinds of rationing."""
    built = []
    for rationing in ("efficient", "pro_rata"):
        data = rich()
        data["buyers"]["rationing"] = rationing
        if rationing == "efficient":
            data["buyers"]["shared_shortage"] = "10 %"
        whole = {**data["options"]["thrift"], "potential": {"cars": "100 %"}}
        del whole["moves_to"]
        data["options"] |= {"redesign": whole}
        data["rivals"]["mine"] |= {
            "standing_cost": "1 USD/kg",
            "contract": {"west": {"share": "50 %"}},
            "feed": {"dependence": "50 %", "stock": "1 month"},
            "serves": {"west": "0 USD/kg", "east": "1 USD/kg"},
        }
        costs = [{"share": part, "unit_cost": f"{cost} USD/kg"} for part, cost in (("40 %", 1), ("60 %", 2))]
        data["rivals"]["beside"] = {
            "title": "Beside", "owner": "west", "product": "light", "serves": {"west": "0 USD/kg"}, "capacity": "9 t/yr",
            "steps": costs, "by_product": {"of": "mine", "ratio": "10 %"},
        }  # fmt: skip
        for posture in data["postures"].values():
            posture["release"] = "quarter"
        instance = loaded(data)
        market = market_of(instance)
        built.append(build(market, Announcer(instance, market).named("half")))
    return tuple(built)


def components(kind: Any) -> set[str]:
    """The names of all components of a kind that hold something in one of the models."""
    return {part.local_name for model in models() for part in model.component_objects(kind) if len(part)}


def test_every_variable_is_on_the_page_and_the_other_way_round() -> None:
    assert sorted(named("Variables", "code")) == sorted(components(pyo.Var))


def test_every_law_is_on_the_page_and_the_other_way_round() -> None:
    laws = components(pyo.Constraint)
    assert sorted(named("Laws", "law")) == sorted(laws)
    typeset = re.findall(r"\[\\?\w+\]\\quad\\texttt\{([a-z\\_]+)\}", section("Laws"))
    assert sorted(name.replace("\\", "") for name in typeset) == sorted(laws)


def test_the_table_gives_each_law_the_multiplier_it_has_in_the_program() -> None:
    typeset = re.findall(r"\[(\\?\w+)\]\\quad\\texttt\{([a-z\\_]+)\}", section("Laws"))
    table = {CODE.findall(row["law"])[0]: row["multiplier"].strip("$") for row in rows("Laws")}
    assert table == {name.replace("\\", ""): symbol for symbol, name in typeset}
    assert len(set(table.values())) == len(table)


def test_the_objective_is_on_the_page() -> None:
    for name in components(pyo.Objective) | components(pyo.Expression):
        assert f"`{name}`" in section("Objective")


def test_the_axes_of_variables_are_those_of_the_code() -> None:
    table = {CODE.findall(row["code"])[0]: row["axes"].replace(" ", "") for row in rows("Variables")}
    assert table == AXES


def test_every_variable_has_its_own_symbol() -> None:
    symbols = [row["symbol"] for row in rows("Variables")]
    assert len(symbols) == len(set(symbols))


# -- the instance format -------------------------------------------------------------------------------------------


def numbers(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Every place of the format that holds a number, with its unit; ``*`` for names and positions."""
    schema = json_schema()
    if "x-unit" in node:
        yield path, str(node["x-unit"])
    elif "$ref" in node:
        yield from numbers(schema["$defs"][node["$ref"].split("/")[-1]], path)
    elif "anyOf" in node or "oneOf" in node:
        for form in node.get("anyOf", node.get("oneOf", [])):
            yield from numbers(form, path)
    elif node.get("type") in ("integer", "number"):
        yield path, ""
    else:
        for key, inner in node.get("properties", {}).items():
            yield from numbers(inner, f"{path}.{key}" if path else key)
        free = [*node.get("patternProperties", {}).values(), node.get("additionalProperties"), node.get("items")]
        for inner in free:
            if isinstance(inner, dict):
                yield from numbers(inner, f"{path}.*")


def test_every_number_of_the_format_is_on_the_page_with_its_unit() -> None:
    written = [row for row in rows("Parameters") if "in the instance" in row]
    table = {path: row["unit"] for row in written for path in CODE.findall(row["in the instance"])}
    assert table == dict(numbers(json_schema()))


def test_every_number_stands_on_the_page_once() -> None:
    written = named("Parameters", "in the instance")
    assert len(written) == len(set(written))


def test_every_number_of_the_code_is_where_the_page_says() -> None:
    import coercivity.models.licensing as package

    folder = Path(package.__path__[0])
    source = "\n".join(file.read_text("utf-8") for file in folder.rglob("*.py"))
    for name in named("Parameters", "code"):
        assert re.search(rf"\b{name.rsplit('.', 1)[-1]}\b", source), f"{name} is nowhere in the code"


def test_every_index_is_explained() -> None:
    used = {letter for axes in AXES.values() for letter in axes}
    explained = {row["index"].strip("$") for row in rows("Sets")}
    assert used <= explained
    for path in named("Sets", "in the instance"):
        assert path.split(".")[0] in Instance.model_fields


# -- what is said in words -----------------------------------------------------------------------------------------


def test_every_term_of_the_payoff_is_on_the_page_in_its_order() -> None:
    assert tuple(named("The leader's payoff", "term")) == TERMS


def test_every_proof_level_is_on_the_page_in_the_code_s_words() -> None:
    table = {CODE.findall(row["proof"])[0]: row["what it says"] for row in rows("Certificates")}
    assert list(table) == [level.name for level in ProofLevel]
    for level in ProofLevel:
        words = re.sub(r"\W+", " ", table[level.name]).split()
        assert len(set(words) & set(re.sub(r"\W+", " ", level.sentence).split())) >= 0.6 * len(set(words))


def test_constants_of_the_code_are_those_of_the_page() -> None:
    assert f"probability {HAZARD_FLOOR:g} " in section("How an announcement is read")
    assert f"\\varepsilon={TILT:g}$" in section("The search and its bound")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE))))
def test_links_lead_somewhere(target: str) -> None:
    assert (Path(__file__).parents[3] / "models/licensing" / target).is_file()


def test_headings_linked_to_exist() -> None:
    written = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    headings = {re.sub(r"[^\w\- ]", "", line).lower().replace(" ", "-") for line in written}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
