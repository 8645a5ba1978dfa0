"""The commands that ask the same question many times: frontiers, thresholds, and studies of what is uncertain."""

from __future__ import annotations

from typing import Any

import click

from coercivity.engine import errors
from coercivity.models.shell.group import command, given, is_quiet, loaded
from coercivity.models.shell.options import CHARTS, JOBS, LIMIT, NO_SAVE, OUT, instance_options, option, output_format


def study_options(function: Any) -> Any:
    """What studies share: effort, and where the result goes."""
    for decorate in (CHARTS, NO_SAVE, OUT, output_format("table", "json", "csv"), JOBS):
        function = decorate(function)
    return function


@command("frontier template", "frontier april-2025 --phase settlement --limit 600 --charts")
@instance_options
@option("--phase", "Leverage at the end of this phase only.", metavar="NAME")
@LIMIT
@study_options
def frontier(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """Revenue, cost and leverage as three objectives.

    The Pareto set over the menu, the named strategies on it, and the weights that make each one best.
    """
    data = loaded(instance, sets, variants)
    from coercivity.engine.desk import delivery
    from coercivity.models.licensing.answers.frontier import efficient as answers
    from coercivity.models.licensing.pages import frontier as page

    asked = {key: run[key] for key in ("limit", "phase")}

    def work(progress: Any) -> Any:
        return answers.frontier(data, run["jobs"], **asked, progress=progress)

    found = delivery.deliver("frontier", data.fingerprint(), work, run, is_quiet(), asked, page)
    if not found.search.complete:
        raise errors.BelowRequired("frontier", "the search was stopped", "give it more time with --limit, or none")


@command(
    "threshold one-buyer concession.value", "threshold template concession.value 'segments.*.value' --grid --no-save"
)
@instance_options
@click.argument("parameters", nargs=-1, metavar="[PARAMETER]...")
@option("--strategy", "The one; default: the best named strategy.", metavar="NAME")
@option("--against", "The other; default: the best other one.", metavar="NAME")
@option("--grid", "Two parameters: the second's break-even over the first.", is_flag=True)
@study_options
def threshold(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """What would turn the ranking of two strategies.

    PARAMETER is a dotted path; * stands for a common factor on all that it matches. Default: a list.
    """
    data = loaded(instance, sets, variants)
    from coercivity.engine.desk import delivery
    from coercivity.models.licensing.answers.threshold import crossing as answers
    from coercivity.models.licensing.pages import threshold as page

    asked = {key: run[key] for key in ("parameters", "strategy", "against", "grid")}

    def work(progress: Any) -> Any:
        return answers.threshold(data, **asked, jobs=run["jobs"], progress=progress)

    delivery.deliver("threshold", data.fingerprint(), work, run, is_quiet(), asked, page)


def sampling_options(function: Any) -> Any:
    """What studies of many points share beside that: what varies, where the points run, and what is remembered."""
    for decorate in (
        option("--dry-run", "Say how many points and how long; run none.", is_flag=True),
        option("--max-failures", "Stop when more points than this fail.", type=click.IntRange(0), metavar="N"),
        option("--ledger", "Remember points in FILE; default: DIR/ledger.sqlite.", metavar="FILE"),
        option("--shard", "Run share I of N of the points only, e.g. 3/16.", metavar="I/N"),
        option("--scheduler", "For dask: tcp://host:port, or a scheduler file.", metavar="ADDRESS"),
        option(
            "--executor",
            "Where points run.",
            type=click.Choice(("processes", "dask")),
            default="processes",
            show_default=True,
        ),
        option("--parquet", "Save the tables as Parquet too.", is_flag=True),
        option(
            "--vary", "PATH=low:high[:points[:log]], PATH=a,b,…, or PATH; repeatable.", multiple=True, metavar="PATH=…"
        ),
    ):
        function = decorate(function)
    return study_options(function)


STRATEGIES = option("--strategies", "Weigh these; default: all named ones.", multiple=True, metavar="A,B")
STRATEGY = option("--strategy", "The one; default: from the two best as stated.", metavar="NAME")
AGAINST = option("--against", "The other, or all; default: from the two best as stated.", metavar="NAME")
WHAT = option(
    "--what",
    "solve: also find the best strategy at every point.",
    type=click.Choice(("evaluate", "solve")),
    default="evaluate",
    show_default=True,
)
SEED = option("--seed", "Of the random numbers.", type=click.IntRange(0), default=1, show_default=True)
UNSTATED = option(
    "--unstated",
    "Distribution over ranges that name none; triangular has its mode at the stated value.",
    type=click.Choice(("triangular", "uniform")),
    default="triangular",
    show_default=True,
)
SAMPLING = option("--sampling", "How draws are made.", type=click.Choice(("random", "lhs", "sobol")), default="random")


def studied(name: str, instance: str, asked: dict[str, Any], run: dict[str, Any]) -> None:
    """Load the instance, do the study of that name with what was asked, save it and print it."""
    from coercivity.models.licensing.desk.studies import study

    data = loaded(instance, run["sets"], run["variants"])
    study(name, data, asked, run | {"given": given()}, is_quiet())


def asked_of(run: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Some of the options of a command."""
    return {key: run[key] for key in keys}


@command(
    "sweep one-buyer --vary concession.value=0:400:5 --no-save",
    "sweep april-2025 --vary concession.value=0:20000:9 --vary leader.discount_rate=0.03:0.12:7 --charts",
)
@instance_options
@STRATEGY
@AGAINST
@STRATEGIES
@WHAT
@sampling_options
def sweep(instance: str, **run: Any) -> None:
    """Payoffs over a grid, or a tornado.

    With --vary over a grid of these numbers; without it one at a time over every range that the instance states.
    """
    studied("sweep", instance, asked_of(run, "vary", "strategies", "strategy", "against", "what"), run)


@command(
    "montecarlo one-buyer --vary concession.value=0:400 --runs 50 --no-save",
    "montecarlo april-2025 --runs 1000 --charts --parquet",
)
@instance_options
@option("--runs", "Number of draws.", type=click.IntRange(2), default=500, show_default=True, metavar="N")
@SEED
@SAMPLING
@UNSTATED
@STRATEGIES
@WHAT
@sampling_options
def montecarlo(instance: str, **run: Any) -> None:
    """Payoff and regret under uncertainty.

    All strategies over the same draws from the ranges and distributions that the instance states: chance of winning,
    regret, dominance, the robust choice, and what it would be worth to know.
    """
    studied(
        "montecarlo", instance, asked_of(run, "vary", "unstated", "runs", "seed", "sampling", "strategies", "what"), run
    )


@command(
    "sensitivity one-buyer --vary concession.value=0:400 --runs 16 --no-save",
    "sensitivity april-2025 --method morris --runs 10 --charts",
)
@instance_options
@option("--method", "Indices.", type=click.Choice(("sobol", "morris")), default="sobol", show_default=True)
@option("--runs", "Base points (sobol: 128, a power of two); trajectories (morris: 20).", type=int, metavar="N")
@SEED
@option("--most", "Numbers that are kept after screening.", type=click.IntRange(1), default=8, show_default=True)
@STRATEGY
@AGAINST
@UNSTATED
@option("--alone", "The payoff of --strategy instead of a difference.", is_flag=True)
@sampling_options
def sensitivity(instance: str, **run: Any) -> None:
    """What the variation of a payoff comes from.

    First-order and total indices with confidence intervals, or elementary effects. Without --vary all ranges are
    screened one at a time first. Refuses where points are missing.
    """
    keys = ("vary", "unstated", "method", "runs", "seed", "most", "strategy", "against", "alone")
    studied("sensitivity", instance, asked_of(run, *keys), run)


@command(
    "discover one-buyer --vary concession.value=0:100 --runs 90 --no-save",
    "discover april-2025 --strategy targeted --against all --runs 900 --charts",
)
@instance_options
@STRATEGY
@AGAINST
@option("--runs", "Number of draws.", type=click.IntRange(2), default=600, show_default=True, metavar="N")
@SEED
@SAMPLING
@UNSTATED
@option(
    "--density", "Share of wins that a box must reach.", type=click.FloatRange(0, 1), default=0.8, show_default=True
)
@option("--most", "Boxes at most.", type=click.IntRange(1), default=3, show_default=True)
@sampling_options
def discover(instance: str, **run: Any) -> None:
    """In which region a strategy wins.

    Boxes of a few numbers as sentences, with coverage and density.
    """
    keys = ("vary", "unstated", "runs", "seed", "sampling", "strategy", "against", "density", "most")
    studied("discover", instance, asked_of(run, *keys), run)
