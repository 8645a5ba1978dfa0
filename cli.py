"""The command line: parse, call, print, exit. The only room that knows Click, and it decides nothing.

Heavy imports wait inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from coercivity.engine import errors
from coercivity.engine.data.piped import PIPED

if TYPE_CHECKING:
    from coercivity.models.licensing.data.instance import Instance

LEVELS = ("NOTHING", "LEADER_FEASIBLE", "BILEVEL_FEASIBLE", "OPTIMAL")
KINDS = ("sourced", "derived", "assumed", "overridden", "stale")
COMPLETION = """\b
Shell completion:  eval "$(_COERCIVITY_COMPLETE=bash_source coercivity)"
                   (zsh_source; fish: _COERCIVITY_COMPLETE=fish_source coercivity | source)"""


class Failure(click.ClickException):
    """Ends the program with a sentence on stderr and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # Click's own subclasses set it per class

    def show(self, file: Any = None) -> None:
        """Print the sentence."""
        from coercivity.engine.desk.terminal import note

        note(self.message)


class Commands(click.Group):
    """Commands whose errors end as sentences with exit codes, never as a traceback unless --debug asks for it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse a Python that has thrown away its docstrings: Pyomo builds nothing without them, and no help is left."""
        if sys.flags.optimize > 1:
            fix = "unset PYTHONOPTIMIZE, or set it to 1; python without -OO"
            raise Failure(f"Error: python: it runs without docstrings, which Pyomo needs\n  fix: {fix}", 2)
        ctx.meta["given"] = shlex.join(["coercivity", *args])
        PIPED.hand_over(sys.stdin)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and translate what it raises."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise Failure("Interrupted: what was saved before is kept.", errors.ExitCode.INTERRUPTED) from None
        except Exception as error:
            if ctx.find_root().meta.get("debug"):
                import traceback

                from coercivity.engine.desk import terminal

                terminal.note(traceback.format_exc())
            words, code = errors.explain(error)
            resume = f"\n  resume: {_given()}" if code == errors.ExitCode.RESOURCES else ""
            raise Failure(words + resume, code) from None


# -- options -----------------------------------------------------------------------------------------------------


def _remember(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().meta[str(parameter.name)] = True


def _flags(hidden: bool) -> Callable[[Any], Any]:
    """--debug and --quiet, which may stand before or after the command."""

    def decorate(function: Any) -> Any:
        for name, words in (("quiet", "No progress and no notes on stderr."), ("debug", "Show tracebacks.")):
            settings: Any = {"is_flag": True, "expose_value": False, "is_eager": True, "hidden": hidden}
            function = click.option(f"--{name}", help=words, callback=_remember, **settings)(function)
        return function

    return decorate


class InstanceName(click.ParamType):  # type: ignore[type-arg]  # generic in later versions of Click only
    """A file, the name of a shipped instance, or ``-``; completes both."""

    name = "instance"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Shipped names that fit, then files."""
        from pathlib import Path

        from click.shell_completion import CompletionItem

        files = (Path(__file__).parent / "instances").rglob("*.yaml")
        shipped = sorted(file.stem for file in files if "schema: coercivity/licensing/" in file.read_text("utf-8"))
        named = [CompletionItem(name) for name in shipped if name.startswith(incomplete)]
        return [*named, CompletionItem(incomplete, type="file")]


def _variants(ctx: click.Context, parameter: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _seconds(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 < value < float("inf"):
        raise click.BadParameter("write a positive number of seconds, e.g. 60")
    return value


def _processors() -> int:
    from coercivity.engine.desk.doctor import processors

    return processors()


def _option(name: str, words: str, *, to: str | None = None, **settings: Any) -> Callable[[Any], Any]:
    return click.option(name, *([to] if to else []), help=words, **settings)


def _format(*kinds: str) -> Callable[[Any], Any]:
    return _option(
        "--format", "What stdout holds.", to="form", type=click.Choice(kinds), default=kinds[0], show_default=True
    )


SETS = _option("--set", "Override a value; repeatable.", to="sets", multiple=True, metavar="PATH=VALUE")
VARIANTS = _option(
    "--variant", "Apply variants of the file.", to="variants", multiple=True, callback=_variants, metavar="A,B"
)
JOBS = _option(
    "--jobs", "Processes; default: all processors.", type=click.IntRange(1), default=_processors, metavar="N"
)
LIMIT = _option("--limit", "Stop the search, without a proof.", type=float, callback=_seconds, metavar="SECONDS")
REQUIRE = _option(
    "--require",
    f"Exit 5 below: {', '.join(LEVELS[2:])} …",
    type=click.Choice(LEVELS, case_sensitive=False),
    metavar="LEVEL",
)
OUT = _option("--out", "Results go to DIR/<hash>/.", default="runs", show_default=True, metavar="DIR")
NO_SAVE = _option("--no-save", "Print only.", is_flag=True)
CHARTS = _option("--charts", "Save charts too: SVG and one HTML page.", is_flag=True)


def instance_options(function: Any) -> Any:
    """INSTANCE with --set and --variant."""
    return click.argument("instance", type=InstanceName())(SETS(VARIANTS(function)))


def run_options(function: Any) -> Any:
    """What solve and compare share: effort, proof, and where the result goes."""
    for option in (CHARTS, NO_SAVE, OUT, _format("table", "json", "csv"), REQUIRE, LIMIT, JOBS):
        function = option(function)
    return function


def command(*examples: str) -> Callable[[Any], Any]:
    """Register a command whose help ends with examples that run."""

    def decorate(function: Any) -> Any:
        registered = main_group.command(function.__name__.rstrip("_"), epilog=_shown(examples))
        return registered(_flags(hidden=True)(function))

    return decorate


def _shown(examples: Sequence[str]) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  coercivity {example}" for example in examples)


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group("coercivity", cls=Commands, epilog=COMPLETION, context_settings=SETTINGS)
@click.version_option(package_name="coercivity", message="coercivity %(version)s")
@_flags(hidden=False)
def main_group() -> None:
    """Which licensing strategy should a dominant exporter commit to, and what will its buyers do about it?"""


# -- output ------------------------------------------------------------------------------------------------------


def _given() -> str:
    """The command that was given, as it can be given again."""
    return str(click.get_current_context().find_root().meta["given"])


def _is_quiet() -> bool:
    return bool(click.get_current_context().find_root().meta.get("quiet"))


def _load(instance: str, sets: Sequence[str], variants: Sequence[str]) -> Instance:
    from coercivity.engine.desk.terminal import note
    from coercivity.models.licensing.data.examine import notice
    from coercivity.models.licensing.data.load import load

    data = load(instance, sets, variants)
    warned = "" if _is_quiet() else notice(data, instance, sets, variants)
    if warned:
        note(warned)
    return data


def _answer(name: str, instance: Instance, work: Callable[[Any], Any], run: dict[str, Any]) -> None:
    from coercivity.models.licensing.desk.deliver import answer

    question = {key: run.get(key) for key in ("strategy", "limit")}
    answer(name, instance.fingerprint(), work, run, _is_quiet(), question)


# -- commands ----------------------------------------------------------------------------------------------------


@command(
    "solve april-2025 --strategy stewardship --set leader.discount_rate=0.08",
    "solve moore_bard1990 --no-save",
)
@instance_options
@_option("--strategy", "Evaluate this one; default: find the best.", metavar="NAME")
@_option("--aux", "Program: its auxiliary file; default: beside it.", metavar="FILE")
@_option("--method", "Program: solve by this method.", default="auto", show_default=True, metavar="NAME")
@_option("--declare", "Program: a bound for big-M, e.g. multipliers=9.", multiple=True, metavar="BOUND")
@_option("--because", "Program: why what is declared should hold.", metavar="REASON")
@_option("--prove", "A game: search the whole menu, however large.", is_flag=True)
@run_options
def solve(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """Find the best strategy, or evaluate a named one.

    INSTANCE is a licensing game, or any bilevel program: X.mps with X.aux beside it, bilevel-neutral JSON, or a finite
    game as JSON. The answer comes with a certificate: what is proved, and by which checks.
    """
    from coercivity.models.program.files import kind_of, located
    from coercivity.models.program.solve import refuse_options
    from coercivity.models.program.solve import solve as solve_program

    if kind_of(located(instance)):
        solve_program(located(instance), run | {"sets": sets, "variants": variants}, _is_quiet())
        return
    refuse_options(run, instance)
    data = _load(instance, sets, variants)
    if run["strategy"] is not None:
        errors.check_name("--strategy", run["strategy"], data.strategies, "strategies")
    from coercivity.models.licensing.answers import commands

    run |= {"set": sets, "variant": variants}
    asked = (run["strategy"], run["jobs"], run["limit"])
    _answer("solve", data, lambda progress: commands.solve(data, *asked, progress, run["prove"], progress.say), run)


@command("compare one-buyer", "compare april-2025 --variant no_leakage --charts")
@instance_options
@_option("--prove", "Search the whole menu, however large; promises too.", is_flag=True)
@_option("--promises", "Tell whether promises and threats would be kept.", is_flag=True)
@run_options
def compare(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """Compare all strategies, with a verdict.

    The named strategies and the best one on the menu stand side by side.
    """
    data = _load(instance, sets, variants)
    from coercivity.models.licensing.answers import commands

    run |= {"set": sets, "variant": variants}
    asked = {"prove": run["prove"], "with_promises": run["promises"]}

    def work(progress: Any) -> Any:
        return commands.compare(data, run["jobs"], run["limit"], progress, **asked, tell=progress.say)

    _answer("compare", data, work, run)


@command(
    "export moore_bard1990 moore.json",
    'export one-buyer buyer.mps --set leader.rents.exporter=0 --set "concession.value=0 million USD/yr"',
)
@instance_options
@click.argument("file")
@_option("--strategy", "A game: only these; repeatable.", to="strategies", multiple=True, metavar="NAME")
@_option("--aux", "Program: its auxiliary file; default: beside it.", metavar="FILE")
@_option("--simultaneous", "Finite game to .efg: the follower does not see the move.", is_flag=True)
def export(instance: str, file: str, sets: tuple[str, ...], variants: tuple[str, ...], **asked: Any) -> None:
    """Write a game or a program for other solvers.

    FILE ends in .mps (its .aux is written beside it), .json (bilevel-neutral), or for a finite game .nfg or .efg. A
    licensing game must be linear in what buyers buy: no captured rent, no concession. Its binaries are the strategies,
    and its payoff is minimised with its sign turned.
    """
    from coercivity.engine.desk.terminal import note
    from coercivity.models.program.files import kind_of, located

    if kind_of(located(instance)):
        from coercivity.models.program.export import export as convert

        written = convert(located(instance), file, asked["aux"], asked["simultaneous"])
    else:
        from coercivity.engine.bilevel.formats import write
        from coercivity.models.licensing.leader.export import problem_of

        written = write(problem_of(_load(instance, sets, variants), asked["strategies"]), file)
    if not _is_quiet():
        note(f"written: {', '.join(map(str, written))}")


@command("solve one-buyer --format json | coercivity verify -", 'verify "runs/$(ls -t runs | head -1)"')
@click.argument("result")
@click.option(
    "--search/--no-search",
    default=None,
    help="Whether to repeat the search, to prove the bound again; by default where an optimum is claimed.",
)
@JOBS
@_format("table", "json", "csv")
def verify(result: str, search: bool | None, jobs: int, form: str) -> None:
    """Re-check a saved result without trusting it.

    RESULT is a run by the first letters of its hash or by a tag, a result.json, or - for stdin.
    """
    from coercivity.models.saved import verify as verify_saved

    verify_saved(result, search, jobs, form, _is_quiet())


@command(
    "compare one-buyer --no-save --format json | coercivity brief - > brief.html",
    "compare template --no-save --format json | coercivity brief - --format table",
)
@click.argument("result")
@_format("html", "table", "json")
def brief(result: str, form: str) -> None:
    """One page on a saved result, to be printed.

    Question, answer, why, what it hinges on, who pays, how sure, provenance. The page needs no network; a browser prints
    it on one sheet of A4, or as PDF. RESULT as for verify.
    """
    from coercivity.models.licensing.desk.brief import brief as show_brief

    show_brief(result, form)


@command("diff one-buyer --set leader.discount_rate=0.08 --effect", "diff april-2025 --variant after_2025 --format csv")
@click.argument("one", metavar="A", type=InstanceName())
@click.argument("other", metavar="[B]", type=InstanceName(), required=False)
@_option("--effect", "What each change moves of the payoffs, and all together.", is_flag=True)
@_option("--strategies", "With --effect: only these.", multiple=True, metavar="A,B")
@SETS
@VARIANTS
@_format("table", "json", "csv")
def diff(one: str, other: str | None, sets: tuple[str, ...], variants: tuple[str, ...], **asked: Any) -> None:
    """What differs between two instances or results.

    Of instances: values with units, ranges, origins, other entries; --set and --variant change the second, which is the
    first where B is left out. Of saved results, named as for verify: payoffs, ranks, chances, and the instances solved.
    """
    from coercivity.models.licensing.desk.difference import diff as show_difference

    show_difference(one, other, sets, variants, asked, _is_quiet())


@main_group.group("runs", epilog=_shown(["runs list", "runs prune --keep 20 --dry-run"]))
@_flags(hidden=True)
def runs_group() -> None:
    """List, show, tag and prune saved results."""


def _under_runs(function: Any) -> Any:
    name = function.__name__.removeprefix("runs_")
    return runs_group.command(name)(_flags(hidden=True)(_format("table", "json", "csv")(function)))


IN = _option("--out", "Where they are.", to="root", default="runs", show_default=True, metavar="DIR")


@_under_runs
@IN
def runs_list(root: str, form: str) -> None:
    """List saved results, the newest first."""
    from coercivity.models import saved

    saved.listed(form, lambda archive: archive.archive(root))


@_under_runs
@click.argument("result")
def runs_show(result: str, form: str) -> None:
    """Print a saved result again, without solving."""
    from coercivity.models import saved

    saved.show(result, form)


@_under_runs
@click.argument("result")
@click.argument("name")
@_option("--remove", "Take the tag away.", is_flag=True)
def runs_tag(result: str, name: str, remove: bool, form: str) -> None:
    """Give a saved result a name."""
    from coercivity.models import saved

    saved.listed(form, lambda archive: archive.tag(result, name, remove))


@_under_runs
@_option("--keep", "Keep the N newest.", type=click.IntRange(0), metavar="N")
@_option("--days", "Remove older ones only.", type=click.FloatRange(0), metavar="DAYS")
@_option("--dry-run", "Only say which.", is_flag=True)
@IN
def runs_prune(keep: int | None, days: float | None, dry_run: bool, root: str, form: str) -> None:
    """Remove saved results that have no tag."""
    from coercivity.models import saved

    saved.listed(form, lambda archive: archive.prune(root, keep, days, dry_run))


def study_options(function: Any) -> Any:
    """What studies share: effort, and where the result goes."""
    for option in (CHARTS, NO_SAVE, OUT, _format("table", "json", "csv"), JOBS):
        function = option(function)
    return function


@command("frontier template", "frontier april-2025 --phase settlement --limit 600 --charts")
@instance_options
@_option("--phase", "Leverage at the end of this phase only.", metavar="NAME")
@LIMIT
@study_options
def frontier(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """Revenue, cost and leverage as three objectives.

    The Pareto set over the menu, the named strategies on it, and the weights that make each one best.
    """
    data = _load(instance, sets, variants)
    from coercivity.engine.desk import delivery
    from coercivity.models.licensing.answers.frontier import efficient as answers
    from coercivity.models.licensing.pages import frontier as page

    asked = {key: run[key] for key in ("limit", "phase")}

    def work(progress: Any) -> Any:
        return answers.frontier(data, run["jobs"], **asked, progress=progress)

    found = delivery.deliver("frontier", data.fingerprint(), work, run, _is_quiet(), asked, page)
    if not found.search.complete:
        raise errors.BelowRequired("frontier", "the search was stopped", "give it more time with --limit, or none")


@command(
    "threshold one-buyer concession.value", "threshold template concession.value 'segments.*.value' --grid --no-save"
)
@instance_options
@click.argument("parameters", nargs=-1, metavar="[PARAMETER]...")
@_option("--strategy", "The one; default: the best named strategy.", metavar="NAME")
@_option("--against", "The other; default: the best other one.", metavar="NAME")
@_option("--grid", "Two parameters: the second's break-even over the first.", is_flag=True)
@study_options
def threshold(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """What would turn the ranking of two strategies.

    PARAMETER is a dotted path; * stands for a common factor on all that it matches. Default: a list.
    """
    data = _load(instance, sets, variants)
    from coercivity.engine.desk import delivery
    from coercivity.models.licensing.answers.threshold import crossing as answers
    from coercivity.models.licensing.pages import threshold as page

    asked = {key: run[key] for key in ("parameters", "strategy", "against", "grid")}

    def work(progress: Any) -> Any:
        return answers.threshold(data, **asked, jobs=run["jobs"], progress=progress)

    delivery.deliver("threshold", data.fingerprint(), work, run, _is_quiet(), asked, page)


def sampling_options(function: Any) -> Any:
    """What studies of many points share beside that: what varies, where the points run, and what is remembered."""
    for option in (
        _option("--dry-run", "Say how many points and how long; run none.", is_flag=True),
        _option("--max-failures", "Stop when more points than this fail.", type=click.IntRange(0), metavar="N"),
        _option("--ledger", "Remember points in FILE; default: DIR/ledger.sqlite.", metavar="FILE"),
        _option("--shard", "Run share I of N of the points only, e.g. 3/16.", metavar="I/N"),
        _option("--scheduler", "For dask: tcp://host:port, or a scheduler file.", metavar="ADDRESS"),
        _option(
            "--executor",
            "Where points run.",
            type=click.Choice(("processes", "dask")),
            default="processes",
            show_default=True,
        ),
        _option("--parquet", "Save the tables as Parquet too.", is_flag=True),
        _option(
            "--vary", "PATH=low:high[:points[:log]], PATH=a,b,…, or PATH; repeatable.", multiple=True, metavar="PATH=…"
        ),
    ):
        function = option(function)
    return study_options(function)


STRATEGIES = _option("--strategies", "Weigh these; default: all named ones.", multiple=True, metavar="A,B")
STRATEGY = _option("--strategy", "The one; default: from the two best as stated.", metavar="NAME")
AGAINST = _option("--against", "The other, or all; default: from the two best as stated.", metavar="NAME")
WHAT = _option(
    "--what",
    "solve: also find the best strategy at every point.",
    type=click.Choice(("evaluate", "solve")),
    default="evaluate",
    show_default=True,
)
SEED = _option("--seed", "Of the random numbers.", type=click.IntRange(0), default=1, show_default=True)
UNSTATED = _option(
    "--unstated",
    "Distribution over ranges that name none; triangular has its mode at the stated value.",
    type=click.Choice(("triangular", "uniform")),
    default="triangular",
    show_default=True,
)
SAMPLING = _option("--sampling", "How draws are made.", type=click.Choice(("random", "lhs", "sobol")), default="random")


def _study(name: str, instance: str, asked: dict[str, Any], run: dict[str, Any]) -> None:
    """Load the instance, do the study of that name with what was asked, save it and print it."""
    from coercivity.models.licensing.desk.studies import study

    data = _load(instance, run["sets"], run["variants"])
    study(name, data, asked, run | {"given": _given()}, _is_quiet())


def _asked(run: dict[str, Any], *keys: str) -> dict[str, Any]:
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
    _study("sweep", instance, _asked(run, "vary", "strategies", "strategy", "against", "what"), run)


@command(
    "montecarlo one-buyer --vary concession.value=0:400 --runs 50 --no-save",
    "montecarlo april-2025 --runs 1000 --charts --parquet",
)
@instance_options
@_option("--runs", "Number of draws.", type=click.IntRange(2), default=500, show_default=True, metavar="N")
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
    _study(
        "montecarlo", instance, _asked(run, "vary", "unstated", "runs", "seed", "sampling", "strategies", "what"), run
    )


@command(
    "sensitivity one-buyer --vary concession.value=0:400 --runs 16 --no-save",
    "sensitivity april-2025 --method morris --runs 10 --charts",
)
@instance_options
@_option("--method", "Indices.", type=click.Choice(("sobol", "morris")), default="sobol", show_default=True)
@_option("--runs", "Base points (sobol: 128, a power of two); trajectories (morris: 20).", type=int, metavar="N")
@SEED
@_option("--most", "Numbers that are kept after screening.", type=click.IntRange(1), default=8, show_default=True)
@STRATEGY
@AGAINST
@UNSTATED
@_option("--alone", "The payoff of --strategy instead of a difference.", is_flag=True)
@sampling_options
def sensitivity(instance: str, **run: Any) -> None:
    """What the variation of a payoff comes from.

    First-order and total indices with confidence intervals, or elementary effects. Without --vary all ranges are
    screened one at a time first. Refuses where points are missing.
    """
    keys = ("vary", "unstated", "method", "runs", "seed", "most", "strategy", "against", "alone")
    _study("sensitivity", instance, _asked(run, *keys), run)


@command(
    "discover one-buyer --vary concession.value=0:100 --runs 90 --no-save",
    "discover april-2025 --strategy targeted --against all --runs 900 --charts",
)
@instance_options
@STRATEGY
@AGAINST
@_option("--runs", "Number of draws.", type=click.IntRange(2), default=600, show_default=True, metavar="N")
@SEED
@SAMPLING
@UNSTATED
@_option(
    "--density", "Share of wins that a box must reach.", type=click.FloatRange(0, 1), default=0.8, show_default=True
)
@_option("--most", "Boxes at most.", type=click.IntRange(1), default=3, show_default=True)
@sampling_options
def discover(instance: str, **run: Any) -> None:
    """In which region a strategy wins.

    Boxes of a few numbers as sentences, with coverage and density.
    """
    keys = ("vary", "unstated", "runs", "seed", "sampling", "strategy", "against", "density", "most")
    _study("discover", instance, _asked(run, *keys), run)


@command("audit --without-model", "audit --claim fall_in_may --format csv")
@click.argument("claims", required=False)
@click.option("--claim", metavar="NAME", help="Only this one, with what it rests on.")
@click.option("--without-model", is_flag=True, help="Leave out what only the model can recompute.")
@_format("table", "json", "csv")
def audit(claims: str | None, claim: str | None, without_model: bool, form: str) -> None:
    """Recompute the founding article's claims.

    Each with the article's value, ours, the formula, the sources and a verdict. CLAIMS is another file of claims, or -
    for stdin. Exit 7 when a figure or a verdict is not what is on record.
    """
    from coercivity.engine.desk import terminal
    from coercivity.models.licensing.claims import answer, present

    with terminal.Progress(_is_quiet()) as progress:
        found = answer.audited(claims, claim, without_model, progress)
    terminal.show(form, found, lambda: present.blocks(found), lambda: present.rows(found))
    if not found.ok:
        fix = "find what changed, then edit the value or the verdict in the file"
        raise errors.AuditFailed(found.name, answer.drift(found), fix)


@command("backtest april-2025 --refit --charts", "backtest --all --format json")
@click.argument("instance", type=InstanceName(), required=False)
@SETS
@VARIANTS
@click.option("--all", "every", is_flag=True, help="One table over all shipped cases; exit 6 if one cannot be told.")
@click.option("--leave-one-out", is_flag=True, help="With --all: each at numbers that the others chose.")
@click.option("--refit", is_flag=True, help="Repeat the searches that the calibration records; exit 7 if they differ.")
@_option("--charts", "Save it, with charts by month: SVG and HTML.", is_flag=True)
@OUT
@_format("table", "json", "csv")
def backtest(instance: str | None, sets: tuple[str, ...], variants: tuple[str, ...], every: bool, **run: Any) -> None:
    """Hold the model against the record.

    Every observation of the instance beside what the model says, what was fitted to which, and what is missed.
    """
    from coercivity.models.licensing.desk import backtest as desk

    if every:
        desk.backtest_all(run, [instance, *sets, *variants], _is_quiet())
    else:
        desk.backtest(instance, lambda name: _load(name, sets, variants), run, _is_quiet())


@command("validate april-2025 --variant no_leakage", "new | coercivity validate - --strict")
@instance_options
@click.option("--strict", is_flag=True, help="Take warnings for faults: exit 3.")
@_format("table", "json")
def validate(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], strict: bool, form: str) -> None:
    """Check an instance; list all faults at once.

    Its variants are checked too. What is legal and improbable is listed on stderr as warnings.
    """
    from coercivity.models.licensing.desk.validate import validate as validated

    validated(instance, sets, variants, strict, form)


@command("instances", "instances --skill --format json")
@click.option("--skill", is_flag=True, help="Hold every case against its record too: half a minute.")
@_format("table", "json", "csv")
def instances(skill: bool, form: str) -> None:
    """List the instances that are shipped.

    Leader, years, size and record of each.
    """
    from coercivity.models.licensing.desk.backtest import gallery

    gallery(skill, form, _is_quiet())


@command("show april-2025 postures.embargo", "show april-2025 --variant no_leakage --set leader.discount_rate=0.08")
@instance_options
@click.argument("path", required=False)
def show(instance: str, path: str | None, sets: tuple[str, ...], variants: tuple[str, ...]) -> None:
    """Show the effective instance, or a part.

    Prints YAML with every default and override written out; PATH is dotted.
    """
    from coercivity.engine.desk import terminal
    from coercivity.models.licensing.data.load import effective
    from coercivity.models.licensing.pages.listing import part

    data = _load(instance, sets, variants)
    terminal.write(effective(data) if path is None else part(data, path))


@command("sources april-2025 --kind stale", "sources april-2025 --format csv")
@instance_options
@click.option("--kind", type=click.Choice(KINDS), help="List only these.")
@_format("table", "json", "csv")
def sources(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], kind: str | None, form: str) -> None:
    """List where every number comes from.

    Read in a source, derived, assumed, overridden; and what is stale.
    """
    from coercivity.engine.desk import terminal
    from coercivity.models.licensing.pages import listing

    found = listing.sources(_load(instance, sets, variants), kind)
    terminal.show(form, found, lambda: listing.provenance(found), lambda: [vars(row) for row in found.rows])


@command("explain 'market left'", "explain 'rivals.*.feed.stock' --format json")
@click.argument("word", required=False)
@_format("table", "json", "csv")
def explain(word: str | None, form: str) -> None:
    """Say what a word of reports or files means.

    A word, a path of an instance, or a key of a result. Without WORD the whole glossary.
    """
    from coercivity.models.explanation import explain as show_meanings

    show_meanings(word, form)


@command("schema > licensing.schema.json", "schema --result compare")
@_option(
    "--result", "Of this kind of result instead; without KIND of all.", is_flag=False, flag_value="", metavar="KIND"
)
def schema(result: str | None) -> None:
    """Print the JSON Schema of instance files.

    Editors use it to complete and to check while one writes. With --result that of what --format json prints.
    """
    from coercivity.engine.desk import terminal
    from coercivity.models.kinds import result_schema
    from coercivity.models.licensing.data.load import json_schema

    terminal.show("json", json_schema() if result is None else result_schema(result or None), list)


@command("new > mine.yaml", "new --like gallium-2023 > mine.yaml")
@click.argument("name", required=False, type=InstanceName())
@_option("--like", "Start from this case; the same as NAME.", metavar="NAME", type=InstanceName())
def new(name: str | None, like: str | None) -> None:
    """Print an instance to start from.

    NAME is a shipped one; without it, a short template with commented examples.
    """
    from coercivity.engine.desk import terminal
    from coercivity.models.licensing.data.load import shipped_text

    terminal.write(shipped_text(like or name or "template"))


@command("doctor", "doctor --format json")
@_format("table", "json")
def doctor(form: str) -> None:
    """Check the installation."""
    from coercivity.models.diagnosis import doctor as show_diagnoses

    show_diagnoses(form)


def main() -> None:
    """The entry point of the program."""
    try:
        main_group(prog_name="coercivity")
    except OSError as error:
        # Help and version are printed before any command could explain that the disk is full.
        failure = Failure(*errors.explain(error))
        failure.show()
        sys.exit(failure.exit_code)


if __name__ == "__main__":
    main()
