"""The command line: parse, call, print, exit. The only room that knows Click, and it decides nothing.

Heavy imports wait inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from engine import errors

if TYPE_CHECKING:
    from models.licensing.instance import Instance

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
        click.echo(self.message, err=True)


class Commands(click.Group):
    """Commands whose errors end as sentences with exit codes, never as a traceback unless --debug asks for it."""

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

                click.echo(traceback.format_exc(), err=True)
            raise Failure(*errors.explain(error)) from None


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

        shipped = sorted(file.stem for file in (Path(__file__).parent / "instances").rglob("*.yaml"))
        named = [CompletionItem(name) for name in shipped if name.startswith(incomplete)]
        return [*named, CompletionItem(incomplete, type="file")]


def _variants(ctx: click.Context, parameter: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def _seconds(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 < value < float("inf"):
        raise click.BadParameter("write a positive number of seconds, e.g. 60")
    return value


def _processors() -> int:
    from engine.doctor import processors

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
        epilog = "\b\nExamples:\n" + "\n".join(f"  coercivity {example}" for example in examples)
        registered = main_group.command(function.__name__.rstrip("_"), epilog=epilog)
        return registered(_flags(hidden=True)(function))

    return decorate


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group("coercivity", cls=Commands, epilog=COMPLETION, context_settings=SETTINGS)
@click.version_option(package_name="coercivity", message="coercivity %(version)s")
@_flags(hidden=False)
def main_group() -> None:
    """Which licensing strategy should a dominant exporter commit to, and what will its buyers do about it?"""


# -- output ------------------------------------------------------------------------------------------------------


def _is_quiet() -> bool:
    return bool(click.get_current_context().find_root().meta.get("quiet"))


def _load(instance: str, sets: Sequence[str], variants: Sequence[str]) -> Instance:
    from models.licensing.files.load import load

    return load(instance, sets, variants)


def _answer(name: str, instance: Instance, work: Callable[[Any], dict[str, Any]], run: dict[str, Any]) -> None:
    from models.licensing.answers.deliver import answer

    question = {key: run.get(key) for key in ("strategy", "limit")}
    answer(name, instance.fingerprint(), work, run, _is_quiet(), question)


# -- commands ----------------------------------------------------------------------------------------------------


@command("solve one-buyer", "solve april-2025 --strategy stewardship --set leader.discount_rate=0.08")
@instance_options
@click.option("--strategy", metavar="NAME", help="Evaluate this one; default: find the best on the menu.")
@run_options
def solve(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """Find the best strategy, or evaluate a named one.

    The answer comes with a certificate: what is proved, and by which checks.
    """
    data = _load(instance, sets, variants)
    if run["strategy"] is not None:
        errors.check_name("--strategy", run["strategy"], data.strategies, "strategies")
    from models.licensing.answers import commands

    run |= {"set": sets, "variant": variants}
    asked = (run["strategy"], run["jobs"], run["limit"])
    _answer("solve", data, lambda progress: commands.solve(data, *asked, progress), run)


@command("compare one-buyer", "compare april-2025 --variant no_leakage --charts")
@instance_options
@run_options
def compare(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """Compare all strategies, with a verdict.

    The named strategies and the best one on the menu stand side by side.
    """
    data = _load(instance, sets, variants)
    from models.licensing.answers import commands

    run |= {"set": sets, "variant": variants}
    _answer("compare", data, lambda progress: commands.compare(data, run["jobs"], run["limit"], progress), run)


@command("solve one-buyer --format json | coercivity verify -", 'verify "runs/$(ls -t runs | head -1)"')
@click.argument("result")
@click.option("--search", is_flag=True, help="Repeat the search too, to prove the bound again.")
@JOBS
@_format("table", "json", "csv")
def verify(result: str, search: bool, jobs: int, form: str) -> None:
    """Re-check a saved result without trusting it.

    RESULT is a result.json, the folder of a run, or - for stdin.
    """
    from engine import runs, terminal
    from models.licensing.answers.present import listing
    from models.licensing.answers.verify import verify as verified

    data = runs.read(result)
    with terminal.Progress(_is_quiet()) as progress:
        found = verified(data, search, jobs, progress)
    terminal.show(form, found, lambda: listing.verified(found), lambda: found["checks"])
    if not found["ok"]:
        failed = sum(not check["ok"] for check in found["checks"])
        raise errors.AuditFailed(result, f"{failed} checks failed", "do not use this result; save it again")


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
    from models.licensing.answers import frontier as answers
    from models.licensing.answers import study
    from models.licensing.answers.present import frontier as page

    asked = {key: run[key] for key in ("limit", "phase")}

    def work(progress: Any) -> dict[str, Any]:
        return answers.frontier(data, run["jobs"], **asked, progress=progress)

    study.deliver("frontier", data.fingerprint(), work, run, _is_quiet(), asked, page)


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
    from models.licensing.answers import study
    from models.licensing.answers import threshold as answers
    from models.licensing.answers.present import threshold as page

    asked = {key: run[key] for key in ("parameters", "strategy", "against", "grid")}

    def work(progress: Any) -> dict[str, Any]:
        return answers.threshold(data, **asked, jobs=run["jobs"], progress=progress)

    study.deliver("threshold", data.fingerprint(), work, run, _is_quiet(), asked, page)


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
    from engine import terminal
    from models.licensing.claims import answer, present

    with terminal.Progress(_is_quiet()) as progress:
        found = answer.audited(claims, claim, without_model, progress)
    terminal.show(form, found, lambda: present.blocks(found), lambda: present.rows(found))
    if not found["ok"]:
        fix = "find what changed, then edit the value or the verdict in the file"
        raise errors.AuditFailed(found["name"], answer.drift(found), fix)


@command("backtest april-2025", "backtest japan-2010 --refit")
@instance_options
@click.option("--refit", is_flag=True, help="Repeat the searches that the calibration records; exit 7 if they differ.")
@_format("table", "json", "csv")
def backtest(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], refit: bool, form: str) -> None:
    """Hold the model against the record.

    Every observation of the instance beside what the model says, what was fitted to which, and what is missed.
    """
    from engine import terminal
    from models.licensing.answers.backtest import AGAIN, backtested, failures
    from models.licensing.answers.present import backtest as present

    data = _load(instance, sets, variants)
    with terminal.Progress(_is_quiet()) as progress:
        found = backtested(data, refit, progress)
    terminal.show(form, found, lambda: present.blocks(found), lambda: present.rows(found))
    if not found["ok"]:
        raise errors.AuditFailed(instance, "not reproduced: " + "; ".join(failures(found)), AGAIN)


@command("validate april-2025 --variant no_leakage", "new | coercivity validate -")
@instance_options
@_format("table", "json")
def validate(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], form: str) -> None:
    """Check an instance; list all faults at once."""
    from engine import terminal
    from models.licensing.answers.present import listing

    said: dict[str, Any] = {"schema_version": 1, "command": "validate", "ok": True, "findings": []}
    try:
        found = listing.contents(_load(instance, sets, variants))
    except errors.InvalidInstance as error:
        if form == "json":
            terminal.show(form, said | {"ok": False, "findings": [vars(finding) for finding in error.findings]}, list)
        raise
    terminal.show(form, said | found, lambda: listing.valid(found))


@command("instances", "instances --format json")
@_format("table", "json", "csv")
def instances(form: str) -> None:
    """List the instances that are shipped."""
    from engine import terminal
    from models.licensing.answers.present import listing
    from models.licensing.files.load import shipped

    rows = [{"name": name, "title": title} for name, title, _ in shipped()]
    data = {"schema_version": 1, "command": "instances", "instances": rows}
    terminal.show(form, data, lambda: listing.listed(rows), lambda: rows)


@command("show april-2025 postures.embargo", "show april-2025 --variant no_leakage --set leader.discount_rate=0.08")
@instance_options
@click.argument("path", required=False)
def show(instance: str, path: str | None, sets: tuple[str, ...], variants: tuple[str, ...]) -> None:
    """Show the effective instance, or a part.

    Prints YAML with every default and override written out; PATH is dotted.
    """
    from engine import terminal
    from models.licensing.answers.present.listing import part
    from models.licensing.files.load import effective

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
    from engine import terminal
    from models.licensing.answers.present import listing
    from models.licensing.files.provenance import counts, sources_table

    rows = sources_table(_load(instance, sets, variants))
    chosen = [vars(row) for row in rows if kind in (None, row.kind) or (kind == "stale" and row.stale)]
    data = {"schema_version": 1, "command": "sources", "counts": counts(rows), "rows": chosen}
    terminal.show(form, data, lambda: listing.provenance(counts(rows), chosen), lambda: chosen)


@command("schema", "schema > licensing.schema.json")
def schema() -> None:
    """Print the JSON Schema of instance files.

    Editors use it to complete and to check while one writes.
    """
    from engine import terminal
    from models.licensing.files.load import json_schema

    terminal.show("json", json_schema(), list)


@command("new > mine.yaml", "new april-2025 > mine.yaml")
@click.argument("name", default="template", type=InstanceName())
def new(name: str) -> None:
    """Print an instance to start from.

    NAME is a shipped instance; without it, a short commented template.
    """
    from pathlib import Path

    from engine import terminal
    from models.licensing.files.load import shipped

    files = {known: path for known, _, path in shipped()}
    errors.check_name("NAME", name, files, "shipped instances")
    terminal.write(Path(files[name]).read_text("utf-8"))


@command("doctor", "doctor --format json")
@_format("table", "json")
def doctor(form: str) -> None:
    """Check the installation."""
    from engine import terminal
    from engine.doctor import examine, table

    found = examine()
    failed = [one.name for one in found if not one.ok]
    data = {"schema_version": 1, "command": "doctor", "ok": not failed, "checks": [vars(one) for one in found]}
    terminal.show(form, data, lambda: [table(found)])
    if failed:
        raise errors.AuditFailed("doctor", f"not working: {', '.join(failed)}", "reinstall: pip install coercivity")


def main() -> None:
    """The entry point of the program."""
    main_group(prog_name="coercivity")


if __name__ == "__main__":
    main()
