"""The audit of the founding article: its arithmetic, its verdicts, drift that is found, and files that are refused."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from coercivity.engine.errors import AuditFailed, InvalidInstance, UsageError
from coercivity.engine.report.text import text, to_csv, to_json
from coercivity.models.licensing.claims import answer, files, present
from coercivity.models.licensing.claims.formula import FormulaError, NoValue, evaluate, quantity_amount, with_numbers
from coercivity.models.licensing.claims.values import ClaimsAudit

HOUSE = Path(__file__).parents[4]

SMALL = """
schema: coercivity/claims/1
name: small
title: Small claims
article: ART
money: {year: 2025, exchange_rates: {CNY: 0.1389}}
sources:
  ART: {publisher: A paper, title: Its text, date: "2025"}
  CUS: {publisher: Customs, title: A table, date: "2025"}
facts:
  before: {value: 200 t, source: CUS, grade: A, year: 2024}
  after: {value: 50 t, source: CUS, grade: A, year: 2025}
dates:
  cause: {date: 2025-04-04, source: CUS}
claims:
  fall:
    kind: arithmetic
    claim: It fell by so much.
    article: {text: 75 %, value: 75 %}
    formula: (before - after) / before
    unit: "%"
    value: 75 %
    rule: {rounding: 0.5 %, otherwise: arithmetic does not follow}
    verdict: confirmed
    finding: So it is.
  reaction:
    kind: record
    claim: The answer came after the cause.
    article: {text: after}
    dates:
      answer: {date: 2025-02-20, source: CUS}
    formula: answer - cause
    unit: day
    value: -43 day
    rule: {from: 0 day, otherwise: contradicted}
    verdict: contradicted
    finding: It came before.
"""

MODEL = """
  half_pays:
    kind: model
    claim: Licensing half pays the leader more than open trade.
    article: {text: more}
    model:
      change: {instance: one-buyer, strategy: half, against: open, measure: payoff_change}
      bare: {instance: one-buyer, strategy: half, against: open, measure: payoff_change_without_concession}
      odds: {instance: one-buyer, strategy: half, against: open, measure: break_even_probability}
      pain: {instance: one-buyer, strategy: half, against: open, measure: buyers_pain}
      sold: {instance: one-buyer, strategy: half, measure: exports, begins: 2025-01, ends: 2025-06}
      share: {instance: one-buyer, strategy: half, measure: leader_foreign_share, begins: 2025-01, ends: 2025-06}
      world: {instance: one-buyer, strategy: half, measure: leader_world_share, begins: 2025-01, ends: 2025-06}
      rivals: {instance: one-buyer, strategy: half, measure: rivals_world_share, begins: 2025-01, ends: 2025-06}
      margin: {instance: one-buyer, strategy: half, against: open, measure: margin_change, begins: 2025-01, ends: 2025-12}
    formula: change
    unit: million USD
    rule: {from: 0 million USD, otherwise: contradicted}
    verdict: confirmed
    finding: The concession decides it.
    also:
      without: {formula: bare, unit: million USD}
      odds_needed: {formula: odds}
      pained: {formula: pain, unit: million USD}
      tonnes: {formula: sold, unit: t}
      together: {formula: world + rivals}
      abroad: {formula: share}
      lost: {formula: margin, unit: million USD}
      cancelled: {formula: share / (world - rivals)}
"""


@pytest.fixture(scope="module")
def shipped() -> ClaimsAudit:
    return answer.audited(skip_model=True)


def figure(result: ClaimsAudit, name: str) -> float:
    """A figure of the audit by the name of its claim, or claim.further."""
    claim, _, further = name.partition(".")
    row = next(row for row in result.claims if row.name == claim)
    found = next(one for one in row.also if one.name == further) if further else row
    return float(found.recomputed)


def altered(*changes: tuple[str, str]) -> str:
    changed = SMALL
    for old, new in changes:
        assert old in changed
        changed = changed.replace(old, new, 1)
    return changed


def findings(*changes: tuple[str, str]) -> list[str]:
    with pytest.raises(InvalidInstance) as caught:
        files.load_text(altered(*changes), "small.yaml")
    return [str(finding) for finding in caught.value.findings]


# -- the founding article ------------------------------------------------------------------------------------------


def test_all_claims_of_the_article_are_audited_and_none_has_drifted(shipped: ClaimsAudit) -> None:
    assert [row.number for row in shipped.claims] == list(range(1, 49))
    assert [words for row in shipped.claims for words in row.drifts] == []
    assert shipped.ok
    assert sum(shipped.counts.values()) == 48
    for row in shipped.claims:
        assert row.finding and row.sources, row.name


def test_most_claims_rest_on_arithmetic(shipped: ClaimsAudit) -> None:
    computed = [row for row in shipped.claims if row.recomputed is not None]
    assert len(computed) >= 25
    assert all(row.recorded is not None for row in computed)
    assert shipped.kinds["arithmetic"] >= 20


# Computed by hand from the figures of the sources, not by the program.
KNOWN = {
    "monthly_exports_2024": 4846.0,
    "fall_in_may": 74.4435,
    "fall_to_the_us.on_average": 92.52,
    "magnet_price": 49.18,
    "magnet_price.in_half": 45.70,
    "magnet_price.in_may": 48.45,
    "shortfall_in_may": 178.33,
    "shortfall_in_may.as_written": 72.15,
    "shortfall_in_a_year": 2129.1,
    "shortfall_in_a_year.as_written": 865.8,
    "may_as_outlook.year": -1.307,
    "may_as_outlook.missing": 7691.53,
    "may_as_outlook.ahead": 2478.0,
    "may_as_outlook.after": 4454.6,
    "may_as_outlook.made_good": 90.13,
    "loss_beats_research.together": 84.35,
    "northern_profit.too_high_by": 10.0,
    "northern_ebitda.magnet_share": 24.04,
    "heavy_quotations": -3.550,
    "heavy_quotations.terbium": 0.7067,
    "glut_and_spiral.exported": 20.76,
    "bmw_brought_forward": -43.0,
    "foreign_cost_ceiling.japan": 4.204,
    "break_even_fraction": 15.0,
    "break_even_fraction.at_export_value": 35.48,
    "break_even_fraction.as_written": 16.667,
    "break_even_probability": 90.0,
    "break_even_probability.sixth_margin_low": 25.17,
    "break_even_probability.sixth_margin_high": 61.98,
    "break_even_probability.full_margin_low": 4.194,
    "break_even_probability.full_margin_high": 10.33,
    "odds_of_capitulation.to_truce": 38.0,
    "odds_of_capitulation.to_software": 89.0,
    "odds_of_capitulation.to_busan": 209.0,
    "lynas_share.australia_share": 3.333,
    "lynas_share.ndpr_best": 7.111,
    "outside_oxide_2030.agency": 23.0,
    "outside_magnets_double.least": 1.373,
    "outside_magnets_double.all_built": 15.85,
    "outside_magnets_double.most": 2.529,
    "india_line.by_winners": 6000.0,
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_arithmetic_by_hand(shipped: ClaimsAudit, name: str) -> None:
    assert figure(shipped, name) == pytest.approx(KNOWN[name], rel=1e-3)


def test_every_source_and_every_number_is_used() -> None:
    from coercivity.models.licensing.claims.formula import names

    claims = files.load()
    cited = {claims.article} | {source for claim in claims.claims.values() for source in claim.sources}
    owners = [claims, *claims.claims.values()]
    for owner in owners:
        facts = owner.facts if hasattr(owner, "facts") else owner.inputs  # type: ignore[union-attr]
        cited |= {source for fact in facts.values() for source in fact.source}
        cited |= {source for day in owner.dates.values() for source in day.sources}
    assert cited == set(claims.sources)
    used: set[str] = set()
    for name, claim in claims.claims.items():
        here = {x for one in (claim, *claim.also.values()) if one.formula for x in names(one.formula)}
        assert {*claim.inputs, *claim.dates, *claim.model} <= here, name
        used |= here
    assert {*claims.facts, *claims.dates} <= used


def test_claims_are_read_and_recomputed_without_pyomo() -> None:
    code = "import sys; from coercivity.models.licensing.claims import answer, present; answer.audited(skip_model=True); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert not {"pyomo", "highspy", "coercivity.models.licensing.leader.commit"} & set(run.stdout.split())


def test_the_shipped_file_is_found_by_its_name() -> None:
    assert files.find(None) == files.find("counter-punch")
    with pytest.raises(UsageError, match=r"did you mean counter-punch"):
        files.find("counterpunch")


def test_one_claim_is_audited_with_what_it_rests_on_only() -> None:
    result = answer.audited(only="break_even_fraction", skip_model=True)
    assert [row.name for row in result.claims] == ["break_even_fraction"]
    assert result.claims[0].verdict == "arithmetic does not follow"
    assert "ADAMAS_2024" in result.claims[0].sources
    with pytest.raises(UsageError, match="break_even_fraction"):
        answer.audited(only="break_even_fractoin", skip_model=True)


def test_the_audit_is_read_on_a_narrow_terminal(shipped: ClaimsAudit) -> None:
    written = text(present.blocks(shipped), 60)
    long = [line for line in written.splitlines() if len(line) > 60 and len(line.split()) > 1]
    assert long == []
    assert "= (monthly_exports_2024 - exports_may)" in " ".join(written.split())
    assert "(4,846 t - 1,238.47 t) / 4,846 t" in " ".join(written.split())
    assert to_csv(present.rows(shipped)).count("\n") >= 49
    assert '"schema_version": 1' in to_json(shipped)


# -- drift ---------------------------------------------------------------------------------------------------------


def test_nothing_drifts_in_a_sound_file() -> None:
    assert answer.result_of(files.load_text(SMALL)).ok


def test_a_changed_number_is_drift_of_the_value() -> None:
    result = answer.result_of(files.load_text(altered(("value: 50 t", "value: 50.4 t"))))
    assert not result.ok and result.drifted == 1
    row = result.claims[0]
    assert row.verdict == row.recorded_verdict == "confirmed"
    assert row.drifts == ("fall: recomputed 74.8 %, on record 75 %, more than 0.1 % apart",)


def test_a_changed_number_is_drift_of_the_verdict_too() -> None:
    row = answer.result_of(files.load_text(altered(("value: 50 t", "value: 60 t")))).claims[0]
    assert row.verdict == "arithmetic does not follow"
    assert len(row.drifts) == 2 and "on record is 'confirmed'" in row.drifts[1]


def test_drift_of_the_verdict_alone() -> None:
    row = answer.result_of(
        files.load_text(altered(("date: 2025-02-20", "date: 2025-05-20"), ("value: -43", "value: 46")))
    )
    assert [words for one in row.claims for words in one.drifts] == [
        "reaction: the verdict comes out as 'confirmed', on record is 'contradicted'"
    ]


def test_drift_is_told_first() -> None:
    result = answer.result_of(files.load_text(altered(("value: 50 t", "value: 60 t"))))
    written = text(present.blocks(result), 100)
    assert written.index("Drift:") < written.index("2 reaction")
    assert answer.drift(result) == "fall: recomputed 70 %, on record 75 %, more than 0.1 % apart, and 1 more"
    assert answer.drift(answer.result_of(files.load_text(SMALL))) == ""


# -- the model -----------------------------------------------------------------------------------------------------


def test_the_model_answers_a_claim() -> None:
    result = answer.result_of(files.load_text(SMALL + MODEL))
    row = result.claims[2]
    also = {one.name: one.recomputed for one in row.also}
    assert row.verdict == ("confirmed" if row.recomputed >= 0 else "contradicted")
    assert also["together"] == pytest.approx(1.0)
    assert also["pained"] > 0 > also["lost"]
    assert 0 < also["abroad"] < 1 and also["tonnes"] > 0
    assert also["cancelled"] > 0
    # Half licensing loses without a concession, so it takes odds above nothing to make up for it.
    assert also["without"] < 0 < also["odds_needed"]
    assert row.recomputed >= also["without"]


def test_the_model_may_be_left_out() -> None:
    def never(*asked: object) -> None:
        raise AssertionError("the model was asked")

    result = answer.result_of(files.load_text(SMALL + MODEL), skip_model=True, progress=never)
    row = result.claims[2]
    assert row.skipped and row.recomputed is None and result.ok
    assert "left out with the model" in text(present.blocks(result), 80)


def test_answers_of_the_model_that_give_no_value_fail_the_audit() -> None:
    changed = (SMALL + MODEL).replace("share / (world - rivals)", "share / (world - world)")
    with pytest.raises(AuditFailed, match=r"half_pays.cancelled: the formula divides by zero"):
        answer.result_of(files.load_text(changed))


def test_an_unknown_strategy_is_refused() -> None:
    changed = (SMALL + MODEL).replace("strategy: half", "strategy: hafl", 1)
    with pytest.raises(UsageError, match="did you mean 'half'"):
        answer.result_of(files.load_text(changed))


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("(before - after)", "(befor - after)", r"small.yaml:\d+:14: claims.fall.formula: .*'befor'\n  fix: did you mean 'before'"),
        ("(before - after)", "(before - cause)", r"claims.fall.formula: a day can only be subtracted from a day"),
        ("(before - after)", "before.real", r"claims.fall.formula: 'before.real' is not arithmetic\n  fix: use numbers"),
        ("(before - after)", "open('x')", r"'open' is not a function of formulas\n  fix: .*min"),
        ("(before - after)", "before[0]", r"is not arithmetic"),
        ("(before - after)", "before if after else", r"is not arithmetic|cannot be read"),
        ("(before - after)", "before //", r"is not arithmetic|cannot be read"),
        ("- after) / before", "- 1) / before", r"claims.fall.formula: the formula subtracts a plain number from a quantity in t"),
        ("- after) / before", "- after)", r"the formula gives a quantity in t, not one in %\n  fix: correct the formula"),
        ("- after) / before", "- after) / 0", r"divides by zero"),
        ("value: 50 t", "value: 50 T", r"small.yaml:\d+:3: facts.after: unknown unit 'T'.*\n  fix: units: .*CNY"),
        ("value: 50 t", "value: 50 t, sorce: X", r"facts.after: unknown key 'sorce'.*\n  fix: did you mean 'source'"),
        ("source: CUS, grade: A, year: 2025}", "year: 2025}", r"facts.after: a quantity needs either 'source' or"),
        ("source: CUS, grade: A, year: 2025}", "source: CUZ, grade: A, year: 2025}", r"facts.after: .*'CUZ'\n  fix: did you mean 'CUS'"),
        ("value: 75 %\n", "value: 75 t\n", r"claims.fall.value: '75 t' is not a quantity in 1"),
        ("finding: So it is.", "findng: So it is.", r"claims.fall.findng: unknown key 'findng'\n  fix: did you mean 'finding'"),
        ("verdict: confirmed", "verdict: confimed", r"claims.fall.verdict: 'confimed' is not known here\n  fix: did you mean 'confirmed'"),
        ("    claim: It fell by so much.\n", "", r"small.yaml:\d+:3: claims.fall.claim: missing key 'claim'\n  fix: add claim:"),
        ("{rounding: 0.5 %,", "{rounding: 0.5 %, within: 1 %,", r"claims.fall.rule: a rule needs exactly one of"),
        ("date: 2025-02-20", "date: 20 February", r"claims.reaction.dates.answer.date: .*not a day\n  fix: write YYYY-MM-DD"),
        ("kind: arithmetic", "kind: assumption", r"claims.fall.verdict: .*\n  fix: write assumption"),
        ("kind: arithmetic", "kind: model", r"claims.fall: a claim of kind 'model' that asks the model nothing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_place_and_its_fix(old: str, new: str, says: str) -> None:
    found = findings((old, new))
    assert any(re.search(says, words) for words in found), found
    assert all(words.startswith("small.yaml:") for words in found)


def test_all_faults_are_told_at_once() -> None:
    found = findings(("(before - after)", "(befor - after)"), ("answer - cause", "answer - caus"))
    assert len(found) == 2
    found = findings(("value: 50 t", "value: 50 T"), ("finding: It came", "findng: It came"))
    assert len(found) == 2


@pytest.mark.parametrize(
    "formula", ["9 ** 9 ** 9", "1 / 0", "(0 - 1) ** 0.5", "2 ** before", "min(before, 1)", "+".join(["1"] * 300)]
)
def test_formulas_that_have_no_value(formula: str) -> None:
    known = {"before": quantity_amount(2.0, "t", {})}
    with pytest.raises((FormulaError, NoValue)):
        evaluate(formula, known, "1", {})


def test_a_formula_in_numbers() -> None:
    known = {"tonnes": quantity_amount(2.0, "kt", {}), "price": quantity_amount(150.0, "CNY/kg", {"CNY": 0.14})}
    assert with_numbers("tonnes * price", known) == "2 kt * 150 CNY/kg"
    assert with_numbers("-loss", {"loss": quantity_amount(-3.0, "t", {})}) == "-(-3 t)"
    assert evaluate("tonnes * price", known, "million USD", {"CNY": 0.14}) == pytest.approx(42.0)
