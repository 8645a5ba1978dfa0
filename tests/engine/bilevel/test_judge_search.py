"""The judge's own search against claims of methods: it confirms right ones, refutes wrong ones, and leaves what it cannot finish to commitments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.draws import random_program
from coercivity.engine.bilevel.judge import certify as judge
from coercivity.engine.bilevel.judge import search as searching
from coercivity.engine.bilevel.judge.certify import certify
from coercivity.engine.bilevel.judge.search import Search, search
from coercivity.engine.bilevel.methods.tight_rows import method as tight_rows
from coercivity.engine.proof.certificate import ProofLevel


@pytest.mark.parametrize(("size", "seed"), [(10, 1), (10, 2), (20, 0), (40, 1)])
def test_a_right_claim_is_confirmed_without_a_commitment_tried(size: int, seed: int) -> None:
    """Of 40 columns the solver's second word on an infeasible node was none, and nothing was proved."""
    drawing = random_program(seed, size, size, 10.0, is_integer=False)
    found = certify(drawing, tight_rows.solve(drawing))
    assert (found.proof, found.is_confirmed) == (ProofLevel.OPTIMAL, True)
    assert [note for note in found.notes if "commitments" in note] == []


@pytest.mark.parametrize("seed", range(8))
def test_a_bound_above_the_optimum_is_refuted(seed: int) -> None:
    drawing = random_program(seed, 8, 8, 10.0, is_integer=False)
    right = tight_rows.solve(drawing).value
    above = right + 1e-3 * abs(right)
    found, under = search(drawing, above), search(drawing, right - 1e-6 * abs(right))
    assert found.point is not None
    assert right - 1e-6 * abs(right) <= found.value < above
    assert (under.is_complete, under.point) == (True, None)


def test_what_the_search_does_not_finish_commitments_are_tried_for(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = random_program(1, 10, 10, 10.0, is_integer=False)
    claim = tight_rows.solve(drawing)
    monkeypatch.setattr(searching, "MOST_LINEAR", 3)
    found = certify(drawing, claim)
    assert (found.proof, found.is_confirmed) == (ProofLevel.OPTIMAL, False)
    assert any("commitments were tried" in note for note in found.notes)
    wrong = certify(drawing, replace(claim, value=claim.value, bound=claim.value + 1.0))
    assert wrong.proof is not ProofLevel.OPTIMAL


def test_a_point_that_breaks_a_row_a_little_is_neither_a_refutation_nor_a_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawing = random_program(1, 10, 10, 10.0, is_integer=False)
    claim = tight_rows.solve(drawing)
    lax = Search(True, np.zeros(20), claim.value - 1.0, 1)
    monkeypatch.setattr(judge, "search", lambda *_: lax)
    monkeypatch.setattr(judge, "_is_strict", lambda *_: False)
    found = certify(drawing, claim)
    assert found.refutation is None
    assert not found.is_confirmed


def test_a_search_stops_on_the_clock() -> None:
    drawing = random_program(1, 10, 10, 10.0, is_integer=False)
    stopped = search(drawing, -1733.7, until=0.0)
    assert (stopped.is_complete, stopped.programs) == (False, 0)
