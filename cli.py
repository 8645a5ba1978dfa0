"""The command line: parse, call, print, exit. With ``shell`` the only room that knows Click, and it decides nothing.

Heavy imports wait inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from coercivity.engine import errors
from coercivity.models.shell import studies
from coercivity.models.shell.group import Failure, answered, command, flags, is_quiet, loaded, main_group, shown
from coercivity.models.shell.options import (
    HINGES,
    JOBS,
    OUT,
    SETS,
    VARIANTS,
    InstanceName,
    instance_options,
    option,
    output_format,
    run_options,
)

__all__ = ["main", "main_group", "studies"]

KINDS = ("sourced", "derived", "assumed", "overridden", "stale")


@command(
    "solve april-2025 --strategy stewardship --set leader.discount_rate=0.08",
    "solve moore_bard1990 --no-save",
)
@instance_options
@option("--strategy", "Evaluate this one; default: find the best.", metavar="NAME")
@option("--aux", "Program: its auxiliary file; default: beside it.", metavar="FILE")
@option("--method", "Program: solve by this method.", default="auto", show_default=True, metavar="NAME")
@option("--declare", "Program: a bound for big-M, e.g. multipliers=9.", multiple=True, metavar="BOUND")
@option("--because", "Program: why what is declared should hold.", metavar="REASON")
@option("--pessimistic", "Program: best where ties are broken against it.", is_flag=True)
@option("--safe", "Program: a bound that survives rounding.", is_flag=True)
@option("--prove", "A game: search the whole menu, however large.", is_flag=True)
@run_options
def solve(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """Find the best strategy, or evaluate a named one.

    INSTANCE is a licensing game, or any bilevel program: X.mps or X.lp with X.aux beside it, bilevel-neutral JSON, or a finite
    game as JSON. The answer comes with a certificate: what is proved, and by which checks.
    """
    from coercivity.models.program.files import kind_of, located
    from coercivity.models.program.solve import refuse_options
    from coercivity.models.program.solve import solve as solve_program

    if kind_of(located(instance)):
        solve_program(located(instance), run | {"sets": sets, "variants": variants}, is_quiet())
        return
    refuse_options(run, instance)
    data = loaded(instance, sets, variants)
    if run["strategy"] is not None:
        errors.check_name("--strategy", run["strategy"], data.strategies, "strategies")
    from coercivity.models.licensing.answers import commands

    run |= {"set": sets, "variant": variants}
    asked = (run["strategy"], run["jobs"], run["limit"])
    answered("solve", data, lambda progress: commands.solve(data, *asked, progress, run["prove"], progress.say), run)


@command("compare one-buyer", "compare april-2025 --certify 2 --charts")
@instance_options
@option("--full", "All tables, not the first page alone.", is_flag=True)
@HINGES
@option("--certify", "Certify so many named strategies only.", type=click.IntRange(0), metavar="N")
@option("--wide", "Of a large menu, look further from the best.", is_flag=True)
@option("--prove", "Search the whole menu; promises too.", is_flag=True)
@option("--promises", "Tell whether promises and threats would be kept.", is_flag=True)
@run_options
def compare(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **run: Any) -> None:
    """Compare all strategies: which pays, why, and what turns it."""
    data = loaded(instance, sets, variants)
    from coercivity.models.licensing.desk import compare as desk

    run |= {"set": sets, "variant": variants}
    asked = run | {"memory": desk.memory_of(run)}
    answered("compare", data, lambda progress: desk.compare(data, asked, progress, progress.say), run)


@command(
    "why template --strategy open --against coercion", "why template --strategy coercion --figure blocs.north.pain"
)
@instance_options
@option("--strategy", "The one; default: the best named strategy.", metavar="NAME")
@option("--against", "The other; default: the best that is clearly behind.", metavar="NAME")
@option("--figure", "Take one figure apart, e.g. blocs.japan.pain.", metavar="PATH")
@option("--date", "When this has halved.", type=click.Choice(("leverage", "share")))
@option("--infeasible", "Why it, or a program, has no solution.", is_flag=True)
@HINGES
@JOBS
@OUT
@output_format("table", "json", "csv")
def why(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **asked: Any) -> None:
    """Why one strategy is worth more than another.

    By term, bloc and year; without each mechanism; what turns it.
    """
    from coercivity.models.licensing.desk.why import why as show_why
    from coercivity.models.program.files import kind_of, located

    if kind_of(located(instance)):
        from coercivity.models.program.conflict import why as show_conflict

        show_conflict(located(instance), asked)
        return
    show_why(loaded(instance, sets, variants), asked, is_quiet())


@command(
    "export moore_bard1990 moore.json",
    'export one-buyer buyer.mps --set leader.rents.exporter=0 --set "concession.value=0 million USD/yr"',
)
@instance_options
@click.argument("file")
@option("--strategy", "A game: only these; repeatable.", to="strategies", multiple=True, metavar="NAME")
@option("--aux", "Program: its auxiliary file; default: beside it.", metavar="FILE")
@option("--simultaneous", "Finite game to .efg: the follower does not see the move.", is_flag=True)
def export(instance: str, file: str, sets: tuple[str, ...], variants: tuple[str, ...], **asked: Any) -> None:
    """Write a game or a program for other solvers.

    FILE ends in .mps (its .aux is written beside it), .json (bilevel-neutral), or for a finite game .nfg or .efg. As
    .xlsx a game is written whole, and read again wherever an INSTANCE is asked for. For other solvers it must be linear
    in what buyers buy (no captured rent, no concession); strategies are binaries, and its payoff is minimised.
    """
    from coercivity.engine.desk.terminal import note
    from coercivity.models.program.files import kind_of, located

    if kind_of(located(instance)):
        from coercivity.models.program.export import export as convert

        written = convert(located(instance), file, asked["aux"], asked["simultaneous"])
    elif file.lower().endswith(".xlsx"):
        from coercivity.models.licensing.data.load import to_workbook

        written = (to_workbook(loaded(instance, sets, variants), file),)
    else:
        from coercivity.engine.bilevel.formats import write
        from coercivity.models.licensing.leader.export import problem_of

        written = write(problem_of(loaded(instance, sets, variants), asked["strategies"]), file)
    if not is_quiet():
        note(f"written: {', '.join(map(str, written))}")


@command("solve one-buyer --format json | coercivity verify -", 'verify "runs/$(ls -t runs | head -1)"')
@click.argument("result")
@click.option(
    "--search/--no-search",
    default=None,
    help="Whether to repeat the search, to prove the bound again; by default where an optimum is claimed.",
)
@JOBS
@output_format("table", "json", "csv")
def verify(result: str, search: bool | None, jobs: int, form: str) -> None:
    """Re-check a saved result without trusting it.

    RESULT is a run by the first letters of its hash or by a tag, a result.json, or - for stdin.
    """
    from coercivity.models.saved import verify as verify_saved

    verify_saved(result, search, jobs, form, is_quiet())


@command(
    "compare one-buyer --no-save --format json | coercivity brief - > brief.html",
    "compare template --no-save --format json | coercivity brief - --format table",
)
@click.argument("result")
@output_format("html", "table", "json")
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
@option("--effect", "What each change moves of the payoffs, and all together.", is_flag=True)
@option("--strategies", "With --effect: only these.", multiple=True, metavar="A,B")
@SETS
@VARIANTS
@output_format("table", "json", "csv")
def diff(one: str, other: str | None, sets: tuple[str, ...], variants: tuple[str, ...], **asked: Any) -> None:
    """What differs between two instances or results.

    Of instances: values with units, ranges, origins, other entries; --set and --variant change the second, which is the
    first where B is left out. Of saved results, named as for verify: payoffs, ranks, chances, and the instances solved.
    """
    from coercivity.models.licensing.desk.difference import diff as show_difference

    show_difference(one, other, sets, variants, asked, is_quiet())


@main_group.group("runs", epilog=shown(["runs list", "runs prune --keep 20 --dry-run"]))
@flags(hidden=True)
def runs_group() -> None:
    """List, show, tag and prune saved results."""


def _under_runs(function: Any) -> Any:
    name = function.__name__.removeprefix("runs_")
    return runs_group.command(name)(flags(hidden=True)(output_format("table", "json", "csv")(function)))


IN = option("--out", "Where they are.", to="root", default="runs", show_default=True, metavar="DIR")


@_under_runs
@IN
def runs_list(root: str, form: str) -> None:
    """List saved results, the newest first."""
    from coercivity.models import saved

    saved.listed(form, lambda archive: archive.archive(root))


@_under_runs
@click.argument("result")
@option("--workbook", "Write it to FILE.xlsx instead, a sheet a table.", to="book", metavar="FILE")
def runs_show(result: str, book: str | None, form: str) -> None:
    """Print a saved result again, without solving."""
    from coercivity.models import saved

    saved.show(result, form, book)


@_under_runs
@click.argument("result")
@click.argument("name")
@option("--remove", "Take the tag away.", is_flag=True)
def runs_tag(result: str, name: str, remove: bool, form: str) -> None:
    """Give a saved result a name."""
    from coercivity.models import saved

    saved.listed(form, lambda archive: archive.tag(result, name, remove))


@_under_runs
@option("--keep", "Keep the N newest.", type=click.IntRange(0), metavar="N")
@option("--days", "Remove older ones only.", type=click.FloatRange(0), metavar="DAYS")
@option("--dry-run", "Only say which.", is_flag=True)
@IN
def runs_prune(keep: int | None, days: float | None, dry_run: bool, root: str, form: str) -> None:
    """Remove saved results that have no tag."""
    from coercivity.models import saved

    saved.listed(form, lambda archive: archive.prune(root, keep, days, dry_run))


@command("audit --without-model", "audit --claim fall_in_may --format csv")
@click.argument("claims", required=False)
@click.option("--claim", metavar="NAME", help="Only this one, with what it rests on.")
@click.option("--without-model", is_flag=True, help="Leave out what only the model can recompute.")
@output_format("table", "json", "csv")
def audit(claims: str | None, claim: str | None, without_model: bool, form: str) -> None:
    """Recompute the founding article's claims.

    Each with the article's value, ours, the formula, the sources and a verdict. CLAIMS is another file of claims, or -
    for stdin. Exit 7 when a figure or a verdict is not what is on record.
    """
    from coercivity.engine.desk import terminal
    from coercivity.models.licensing.claims import answer, present

    with terminal.Progress(is_quiet()) as progress:
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
@option("--charts", "Save it, with charts by month: SVG and HTML.", is_flag=True)
@OUT
@output_format("table", "json", "csv")
def backtest(instance: str | None, sets: tuple[str, ...], variants: tuple[str, ...], every: bool, **run: Any) -> None:
    """Hold the model against the record.

    Every observation of the instance beside what the model says, what was fitted to which, and what is missed.
    """
    from coercivity.models.licensing.desk import backtest as desk

    if every:
        desk.backtest_all(run, [instance, *sets, *variants], is_quiet())
    else:
        desk.backtest(instance, lambda name: loaded(name, sets, variants), run, is_quiet())


@command("validate april-2025 --variant no_leakage", "new | coercivity validate - --strict")
@instance_options
@click.option("--strict", is_flag=True, help="Take warnings for faults: exit 3.")
@output_format("table", "json")
def validate(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], strict: bool, form: str) -> None:
    """Check an instance; list all faults at once.

    Its variants are checked too. What is legal and improbable is listed on stderr as warnings.
    """
    from coercivity.models.licensing.desk.validate import validate as validated

    validated(instance, sets, variants, strict, form)


@command("instances", "instances --skill --format json")
@click.option("--skill", is_flag=True, help="Hold every case against its record too: half a minute.")
@output_format("table", "json", "csv")
def instances(skill: bool, form: str) -> None:
    """List the instances that are shipped.

    Leader, years, size and record of each.
    """
    from coercivity.models.licensing.desk.backtest import gallery

    gallery(skill, form, is_quiet())


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

    data = loaded(instance, sets, variants)
    terminal.write(effective(data) if path is None else part(data, path))


@command("sources april-2025 --kind stale", "sources april-2025 --format csv")
@instance_options
@click.option("--kind", type=click.Choice(KINDS), help="List only these.")
@output_format("table", "json", "csv")
def sources(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], kind: str | None, form: str) -> None:
    """List where every number comes from.

    Read in a source, derived, assumed, overridden; and what is stale.
    """
    from coercivity.engine.desk import terminal
    from coercivity.models.licensing.pages import listing

    found = listing.sources(loaded(instance, sets, variants), kind)
    terminal.show(form, found, lambda: listing.provenance(found), lambda: [vars(row) for row in found.rows])


@command("explain 'market left'", "explain 'rivals.*.feed.stock' --format json")
@click.argument("word", required=False)
@output_format("table", "json", "csv")
def explain(word: str | None, form: str) -> None:
    """Say what a word of reports or files means.

    A word, a path of an instance, or a key of a result. Without WORD the whole glossary.
    """
    from coercivity.models.explanation import explain as show_meanings

    show_meanings(word, form)


@command("schema > licensing.schema.json", "schema --result compare")
@option(
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
@option("--like", "Start from this case; the same as NAME.", metavar="NAME", type=InstanceName())
def new(name: str | None, like: str | None) -> None:
    """Print an instance to start from.

    NAME is a shipped one; without it, a short template with commented examples.
    """
    from coercivity.engine.desk import terminal
    from coercivity.models.licensing.data.load import shipped_text

    terminal.write(shipped_text(like or name or "template"))


@command("cockpit april-2025", "cockpit one-buyer --port 0 --open")
@instance_options
@option("--port", "Of the page; 0: any that is free.", type=click.IntRange(0, 65535), default=8765, show_default=True)
@option("--open", "Open it in a browser too.", to="is_opened", is_flag=True)
@option("--out", "Where saved results tell what hinges.", to="runs", default="runs", show_default=True, metavar="DIR")
def cockpit(instance: str, sets: tuple[str, ...], variants: tuple[str, ...], **asked: Any) -> None:
    """Fly the game in a local page.

    Move assumptions over their ranges, choose postures, see payoff, who pays, and shares at once; certify what you keep.
    Served to this machine alone until Ctrl-C. Needs the extra 'cockpit'.
    """
    from coercivity.models.licensing.desk.cockpit import command as desk

    desk.require_extra()
    desk.cockpit(loaded(instance, sets, variants), desk.given_as(instance, sets, variants), **asked)


@command("doctor", "doctor --format json")
@output_format("table", "json")
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
