"""The options that commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

LEVELS = ("NOTHING", "LEADER_FEASIBLE", "BILEVEL_FEASIBLE", "OPTIMAL")


class InstanceName(click.ParamType):  # type: ignore[type-arg]  # generic in later versions of Click only
    """A file, the name of a shipped instance, or ``-``; completes both."""

    name = "instance"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Shipped names that fit, then files."""
        from pathlib import Path

        from click.shell_completion import CompletionItem

        files = (Path(__file__).parents[2] / "instances").rglob("*.yaml")
        shipped = sorted(file.stem for file in files if "schema: coercivity/licensing/" in file.read_text("utf-8"))
        named = [CompletionItem(name) for name in shipped if name.startswith(incomplete)]
        return [*named, CompletionItem(incomplete, type="file")]


def variants_of(ctx: click.Context, parameter: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    """The names in texts that separate them by commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def seconds_of(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    """A time that ends something; refuses what is none."""
    if value is not None and not 0 < value < float("inf"):
        raise click.BadParameter("write a positive number of seconds, e.g. 60")
    return value


def budget_of(ctx: click.Context, parameter: click.Parameter, value: str) -> float | None:
    """Seconds that may be spent, none or more; None for ``all``: as many as it takes."""
    if value == "all":
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise click.BadParameter("write a number of seconds, 0 for none, or nothing at all for as many as it takes")
    return seconds


def processors() -> int:
    """How many processors this process may use."""
    from coercivity.engine.desk import doctor

    return doctor.processors()


def option(name: str, words: str, *, to: str | None = None, **settings: Any) -> Callable[[Any], Any]:
    """An option and its help; ``to`` is what the function calls it."""
    return click.option(name, *([to] if to else []), help=words, **settings)


def output_format(*kinds: str) -> Callable[[Any], Any]:
    """The option --format with these kinds, the first by default."""
    return option(
        "--format", "What stdout holds.", to="form", type=click.Choice(kinds), default=kinds[0], show_default=True
    )


SETS = option("--set", "Override a value; repeatable.", to="sets", multiple=True, metavar="PATH=VALUE")
VARIANTS = option(
    "--variant", "Apply variants of the file.", to="variants", multiple=True, callback=variants_of, metavar="A,B"
)
JOBS = option("--jobs", "Processes; default: all processors.", type=click.IntRange(1), default=processors, metavar="N")
LIMIT = option("--limit", "Stop the search, without a proof.", type=float, callback=seconds_of, metavar="SECONDS")
REQUIRE = option(
    "--require",
    f"Exit 5 below: {', '.join(LEVELS[2:])} …",
    type=click.Choice(LEVELS, case_sensitive=False),
    metavar="LEVEL",
)
OUT = option("--out", "Results go to DIR/<hash>/.", default="runs", show_default=True, metavar="DIR")
NO_SAVE = option("--no-save", "Print only.", is_flag=True)
HINGES = option(
    "--hinges",
    "Time for the ranges; without S all. [default: 20]",
    is_flag=False,
    flag_value="all",
    default="20",
    callback=budget_of,
    metavar="S",
)
CHARTS = option("--charts", "Save charts too: SVG and one HTML page.", is_flag=True)


def instance_options(function: Any) -> Any:
    """INSTANCE with --set and --variant."""
    return click.argument("instance", type=InstanceName())(SETS(VARIANTS(function)))


def run_options(function: Any) -> Any:
    """What solve and compare share: effort, proof, and where the result goes."""
    for option in (CHARTS, NO_SAVE, OUT, output_format("table", "json", "csv"), REQUIRE, LIMIT, JOBS):
        function = option(function)
    return function
