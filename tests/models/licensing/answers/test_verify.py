"""Saved results are believed in nothing but their instance: each figure is tampered with and found out."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from coercivity.engine.data.values import to_plain
from coercivity.engine.errors import AuditFailed, UsageError
from coercivity.engine.report.text import to_json
from coercivity.models.licensing.answers.commands import compare, solve
from coercivity.models.licensing.answers.verify import verify
from coercivity.models.licensing.audit.search import SEARCHED
from coercivity.models.licensing.data.load import load_text
from tests.rich_instance import TOY, loaded, rich

Change = Callable[[Any], Any]
GAP = "follower gap: the buyers' cost against an independent optimum"
SPLIT = "blocs, leader and outside add up to the buyers' cost"
SUM = "terms sum to the payoff"
TOLD = "the model says the same again: "
CLAIM = "no more is claimed than was proved again"
HASH = "the instance is the one whose hash is stated"


@cache
def saved() -> str:
    return to_json(solve(load_text(TOY.read_text("utf-8"))))


def tampered(path: str, value: Any) -> dict[str, Any]:
    """The saved result with the figure at a path replaced, or raised by a number given as a factory."""
    result = json.loads(saved())
    node: Any = result
    *above, last = path.split("/")
    for part in above:
        node = node[int(part) if isinstance(node, list) else part]
    key = int(last) if isinstance(node, list) else last
    node[key] = value(node[key]) if callable(value) else value
    return result


def more(amount: float) -> Change:
    return lambda figure: figure + amount


def failures(result: dict[str, Any], **options: Any) -> set[str]:
    found = verify(result, **options)
    names = {check.name for check in found.checks if not check.ok}
    assert found.ok == (not names)
    return names


# A fact that is not on record.
INVENTED = {
    "name": "invented", "title": "Invented", "measure": "exports", "bloc": None, "product": None, "begins": "2025-01",
    "ends": "2025-12", "model": 1.0, "recorded": 1.0, "low": 1.0, "high": 1.0, "tolerance": None, "unit": "t",
    "window": "judge", "fed": False, "inside": None, "confounded": "", "note": "",
}  # fmt: skip
SAVED: list[tuple[str, Any, str]] = [
    ("instance/hash", "0" * 64, HASH),
    ("manifest/effective_instance", lambda text: text.replace("3000.0 t/yr", "3001.0 t/yr"), HASH),
    ("manifest/effective_instance", lambda text: text.replace("45.0 USD/kg", "44.0 USD/kg"), GAP),
    ("strategy/path/0/posture", "open", "pressure"),
    ("leader/terms_musd/margin", more(1.0), "term margin"),
    ("leader/terms_musd/concession", more(1.0), "term concession"),
    ("leader/value_musd", more(-1.0), SUM),
    ("leader/probability", more(0.1), "probability of the concession"),
    ("leader/pressure_musd", more(1.0), "pressure"),
    ("leader/by_year/margin/2025", float("nan"), TOLD + "leader"),
    ("leader/by_year/margin/2026", more(1.0), TOLD + "leader"),
    ("strategy/hazards/squeeze", more(0.1), TOLD + "strategy"),
    ("market/market_pain_musd", more(1.0), TOLD + "market"),
    ("market/shortage_t", more(1.0), TOLD + "market"),
    ("blocs/west/shortage_t", 0.0, TOLD + "blocs"),
    ("blocs/west/leader_share/2026", more(0.01), TOLD + "blocs"),
    ("all_blocs/leverage_musd", {"3 months": {"2025-03": 1.0}}, TOLD + "all_blocs"),
    ("reactions/hazards/squeeze", more(0.1), TOLD + "reactions"),
    ("series/stock_t/0", more(1.0), TOLD + "series"),
    ("shares/hhi", {"2030": 0.5}, TOLD + "shares"),
    ("observations", [INVENTED], TOLD + "observations"),
    ("plan/exports_t/3/0/0", more(1.0), TOLD + "plan"),
    ("market/buyers_cost_musd", more(1.0), GAP),
    ("market/outside_musd", more(1.0), SPLIT),
    ("market/leader_rents_musd", more(1.0), SPLIT),
    ("blocs/west/cost_musd", more(1.0), SPLIT),
    ("plan/exports_t/0/0/0", more(10.0), "term margin"),
    ("plan/exports_t/7/0/0", more(10.0), "term margin"),
    ("plan/captured_rent_kusd/0", more(1000.0), "term captured_rent"),
    ("plan/exporter_rent_kusd/0", more(1000.0), "term exporter_rent"),
    ("plan/exporter_rent_kusd/1", more(1000.0), "rents at most what the multipliers allow"),
    ("certificate/optimistic_musd", more(1.0), "optimistic value"),
    ("certificate/pessimistic_musd", more(-1.0), "pessimistic value"),
    ("certificate/value_musd", more(1.0), "certificate repeats the value"),
    ("certificate/bound_musd", more(-1.0), "stated bound is reached by the value"),
    ("certificate/bound_musd", more(1e6), "stated bound is reached by the value"),
    ("certificate/assumptions", ["declared"], "a bound that proves rests on no assumption"),
    ("strategy/name", "open", "the path is that of the strategy named"),
    ("strategy/name", "half", CLAIM),
    ("strategy/is_optimum", False, CLAIM),
    ("search/menu", more(1), "the menu has so many strategies"),
    ("search/screened", more(1), "as many were screened as there are"),
    ("search/complete", False, "complete says that all were"),
    ("search/resolved", 0, "ties were resolved among the screened"),
    ("search/seconds", -1.0, "it took some time"),
    ("search/invented", 1.0, "the search says what it should"),
    ("search", None, "a search is told where something was searched for"),
    ("certificate/says", "everything is proved", TOLD + "certificate"),
    ("certificate/best_deviation_gain_musd", more(1.0), TOLD + "certificate"),
    ("instance/title", "another one", TOLD + "instance"),
    ("command", "compare", TOLD + "command"),
    ("schema_version", 2, TOLD + "schema_version"),
    ("manifest/effective_instance", lambda text: text + "# and more\n", TOLD + "effective_instance"),
    ("certificate/bound_musd", more(-1.0), "stated bound is the one found again"),
    ("invented", 1.0, "'invented' is a part of such a result"),
    ("leader/value_musd", float("inf"), SUM),
    ("market/buyers_cost_musd", float("nan"), GAP),
]


def test_an_honest_result_verifies() -> None:
    found = verify(json.loads(saved()))
    assert (found.ok, found.searched, found.proved) == (True, True, "OPTIMAL")
    # A claim that was not proved again is more than what is known.
    unsearched = verify(json.loads(saved()), search=False)
    assert (unsearched.ok, unsearched.proved) == (False, "BILEVEL_FEASIBLE")
    assert failures(json.loads(saved()), search=False) == {CLAIM}


def test_a_result_with_volumes_fed_in_verifies_and_says_so() -> None:
    result = json.loads(to_json(solve(loaded(rich()), "half")))
    assert failures(result) == set()
    result["strategy"]["fed"] = False
    assert GAP in failures(result)


@pytest.mark.parametrize(("path", "value", "name"), SAVED, ids=[row[0] for row in SAVED])
def test_a_tampered_result_does_not_verify(path: str, value: Any, name: str) -> None:
    assert name in failures(tampered(path, value))


# Those of a certificate that test_certificate.py sees fail.
OTHERS = {"term idle", "term buffer", "term tail", "the plan is an optimistic one", "pessimistic at most value"}
OTHERS |= {"term support", "term glut", "term downstream", "term retaliation"}
OTHERS |= {"rents at least what the multipliers allow", "cost of the plan, by arithmetic", "the plan obeys every law"}
OTHERS |= {"optimistic value within the bound", "bound reached by the value", "no deviation beats the bound"}
# Those that test_audit_search.py sees fail.
OTHERS |= SEARCHED
# An optimum's search is judged by checks of its own.
OTHERS |= {TOLD + "search"}


def test_every_check_of_a_saved_result_has_been_seen_to_fail() -> None:
    every = {check.name for check in verify(json.loads(saved())).checks}
    assert every - {row[2] for row in SAVED} == OTHERS & every == OTHERS


def test_a_strategy_that_is_not_the_best_does_not_pass_as_the_optimum() -> None:
    result = to_plain(solve(load_text(TOY.read_text("utf-8")), "open"))
    value = result["certificate"]["value_musd"]
    result["certificate"] |= {"proof": "OPTIMAL", "bound_musd": value}
    assert CLAIM in failures(result, search=False)
    assert CLAIM in failures(result)
    # The same with its name and its flag, as a searched optimum is told.
    best = json.loads(saved())
    result["strategy"] |= {"name": "optimal", "is_optimum": True, "title": best["strategy"]["title"]}
    result["search"] = best["search"]
    found = failures(result)
    assert {"bound reached by the value", "stated bound is the one found again"} <= found
    assert verify(result).proved == "BILEVEL_FEASIBLE"


def test_one_tampered_strategy_spoils_a_comparison() -> None:
    result = json.loads(to_json(compare(load_text(TOY.read_text("utf-8")))))
    assert failures(result) == set()
    spoiled = copy.deepcopy(result)
    spoiled["strategies"][1]["leader"]["terms_musd"]["margin"] += 1.0
    found = verify(spoiled)
    # The first page tells what makes the difference, so that it no longer fits either.
    assert {check.strategy for check in found.checks if not check.ok} == {"half", "result"}
    assert found.proved == "NOTHING"


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("manifest", {}, AuditFailed),
        ("leader/terms_musd", {}, AuditFailed),
        ("plan/exports_t", [[[1.0]]], AuditFailed),
        ("strategies", [], AuditFailed),
        ("observations", [{"name": "invented"}], AuditFailed),
        ("strategy/path/0/posture", "closed", UsageError),
        ("strategy/path", [], UsageError),
    ],
)
def test_what_is_no_result_of_ours_is_refused(path: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        verify(tampered(path, value) if path != "strategies" else json.loads(saved()) | {"strategies": value})
