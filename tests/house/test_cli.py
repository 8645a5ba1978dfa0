"""The command line by exit code and stream: what a script, a pipe and a person at 60 columns may rely on."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from coercivity.cli import main_group

CLI = [sys.executable, str(Path(__file__).parents[2] / "cli.py")]
TOY = "one-buyer"
ALONE = ("--jobs", "1")
COMMANDS = sorted(main_group.commands)


def run(*arguments: str, stdin: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(main_group, list(arguments), stdin, env={"COLUMNS": "100", **environment})


def process(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLI, *arguments], capture_output=True, text=True, timeout=120, check=False, **settings)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every test works in a folder of its own, so that ``runs`` is empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


STUDIES = ("sweep", "montecarlo", "sensitivity", "discover")


def solved() -> dict[str, Any]:
    return dict(json.loads(run("solve", TOY, *ALONE, "--no-save", "--format", "json").stdout))


# -- help and start-up -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_a_line_of_purpose_and_two_examples_on_a_screen(command: str) -> None:
    found = run(command, "--help", COLUMNS="80")
    assert found.exit_code == 0
    assert len(found.stdout.splitlines()) <= (
        48 if command in STUDIES else {"solve": 32, "compare": 25}.get(command, 24)
    )
    assert len(examples(command)) == 2
    purpose = main_group.commands[command].get_short_help_str(60)
    assert purpose.endswith(".")
    assert "..." not in purpose


def examples(command: str) -> list[str]:
    epilog = main_group.commands[command].epilog or ""
    return [line.strip() for line in epilog.splitlines() if line.strip().startswith("coercivity ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_are_made_of_options_that_exist(command: str) -> None:
    for line in examples(command):
        for part in re.split(r"[|>]", re.sub(r"\$\(.*\)", "x", line)):
            words = shlex.split(part)
            if words and words[0] == "coercivity":
                asked = main_group.commands[words[1]]
                asked.make_context(words[1], words[2:], resilient_parsing=False)


# All but the last take long, and a cockpit is served until it is interrupted.
UNTRIED = ("solve", "compare", "verify", "frontier", "backtest", "cockpit")
ONE_ALONE = (
    *STUDIES,
    "instances",
)  # the second example of a study is of an hour's length; that of a gallery backtests it all


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in UNTRIED])
def test_quick_examples_run(command: str, tmp_path: Path) -> None:
    shell = f'coercivity() {{ {shlex.join(CLI)} --quiet "$@"; }}; set -o pipefail; '
    for line in examples(command)[: 1 if command in ONE_ALONE else 2]:
        found = subprocess.run(
            ["bash", "-c", shell + line], capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path
        )
        assert (found.returncode, found.stderr) == (0, ""), line


def test_start_up_imports_nothing_heavy() -> None:
    heavy = ["numpy", "pandas", "scipy", "pyomo", "pint", "pydantic", "highspy", "rich", "ruamel", "altair"]
    code = f"import sys, cli; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(CLI[1]).parent, check=True
    )
    assert found.stdout == "[]\n"


def test_version_and_completion() -> None:
    assert re.fullmatch(r"coercivity \d+\.\d+\.\d+\S*\n", run("--version").stdout)
    found = process(env=os.environ | {"_CLI.PY_COMPLETE": "bash_source", "_COERCIVITY_COMPLETE": "bash_source"})
    assert "complete" in found.stdout
    words = {"_COERCIVITY_COMPLETE": "bash_complete", "COMP_WORDS": "coercivity show one", "COMP_CWORD": "2"}
    assert "plain,one-buyer" in process(env=os.environ | words).stdout


# -- streams and formats -----------------------------------------------------------------------------------------


def test_json_is_all_that_stdout_holds() -> None:
    for arguments in (
        ("solve", TOY, *ALONE),
        ("compare", TOY, *ALONE),
        ("sources", TOY),
        ("instances",),
        ("validate", TOY),
    ):
        found = process(*arguments, "--format", "json")
        data = json.loads(found.stdout)
        assert (found.returncode, data["schema_version"], data["command"]) == (0, 1, arguments[0])
    assert json.loads(process("schema").stdout)["$schema"].startswith("https://json-schema.org/")
    assert json.loads(process("doctor", "--format", "json").stdout)["ok"] is True


def test_csv_has_every_figure_in_a_row_of_its_own() -> None:
    found = run("compare", TOY, *ALONE, "--no-save", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert set(rows[0]) == {"strategy", "figure", "bloc", "period", "unit", "value"}
    assert {row["strategy"] for row in rows} == {"open", "half", "optimal"}
    (payoff,) = [row for row in rows if row["strategy"] == "optimal" and row["figure"] == "leader.value"]
    assert payoff["unit"] == "million USD"
    assert float(payoff["value"]) == pytest.approx(solved()["leader"]["value_musd"])
    keys = [tuple(row[key] for key in ("strategy", "figure", "bloc", "period")) for row in rows]
    assert len(keys) == len(set(keys))


def test_notes_go_to_stderr_and_quiet_drops_them() -> None:
    found = run("solve", TOY, *ALONE)
    assert "saved: runs" in found.stderr
    assert "saved" not in found.stdout
    for arguments in (("--quiet", "solve", TOY, *ALONE), ("solve", TOY, *ALONE, "--quiet")):
        assert run(*arguments).stderr == ""


@pytest.mark.parametrize("command", [("solve", TOY, *ALONE), ("compare", TOY, *ALONE), ("sources", TOY), ("doctor",)])
def test_sixty_columns_are_enough(command: tuple[str, ...]) -> None:
    found = run(*command, COLUMNS="60")
    assert found.exit_code == 0
    assert max(map(len, found.stdout.splitlines())) <= 60
    # Every word at full width is there: none was broken or dropped. Rules and the heads of stacked tables may differ.
    wide = run(*command, COLUMNS="300").stdout.splitlines()
    heads = {word for line, rule in pairwise(wide) if set(rule) == {"-", " "} for word in line.split()}
    words = {word for line in wide if not set(line) <= {"-", " "} for word in line.split()}
    assert words - heads <= {word.rstrip(":") for word in found.stdout.split()} | set(found.stdout.split())


def test_letters_that_a_stream_does_not_know_do_no_harm() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    found = process("solve", TOY, *ALONE, "--set", "title=Käufer", "--format", "json", env=environment)
    assert json.loads(found.stdout)["instance"]["title"] == "Käufer"
    assert process("solve", TOY, *ALONE, "--set", "title=Käufer", env=environment).returncode == 0


# -- exit codes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("slove", TOY), "'solve'"),
        (("solve", TOY, "--stratgy", "open"), "Did you mean '--strategy'?"),
        (("solve", TOY, "--strategy", "opne"), "did you mean 'open'?"),
        (("solve", "one-byer"), "did you mean one-buyer?"),
        (("solve", TOY, "--set", "leader.discont_rate=0.08"), "did you mean 'leader.discount_rate'?"),
        (("solve", TOY, "--set", "leader.discount_rate"), "not of the form PATH=VALUE"),
        (("solve", TOY, "--variant", "x"), "unknown variant 'x'"),
        (("solve", TOY, "--limit", "nan"), "positive number of seconds"),
        (("solve", TOY, "--limit", "-1"), "positive number of seconds"),
        (("solve", TOY, "--jobs", "0"), "not in the range"),
        (("solve", TOY, "--require", "PERFECT"), "PERFECT"),
        (("solve", TOY, "--charts", "--no-save"), "--no-save saves nothing"),
        (("show", TOY, "leader.prise"), "did you mean 'leader.price'?"),
        (("show", TOY, "leverage"), "nothing is set"),
        (("new", "one_buyer"), "did you mean 'one-buyer'?"),
        (("verify", "runs/0123"), "no such result"),
    ],
)
def test_usage_errors_end_with_2_and_a_suggestion(arguments: tuple[str, ...], says: str) -> None:
    found = run(*arguments)
    assert (found.exit_code, found.stdout) == (2, "")
    assert says in found.stderr
    assert not Path("runs").exists()


def test_an_invalid_instance_ends_with_3_and_all_findings() -> None:
    Path("bad.yaml").write_text(
        run("new", TOY).stdout.replace("unit_cost: 45 USD/kg", "unit_cots: 45 USD/kg").replace("5 %/yr", "5 t/yr")
    )
    found = run("solve", "bad.yaml")
    assert (found.exit_code, found.stdout) == (3, "")
    assert "bad.yaml:" in found.stderr
    assert "did you mean 'unit_cost'?" in found.stderr
    assert found.stderr.count("fix:") >= 3
    said = run("validate", "bad.yaml", "--format", "json")
    assert said.exit_code == 3
    findings = json.loads(said.stdout)["findings"]
    assert len(findings) >= 3
    assert {"place", "path", "what", "fix"} == set(findings[0])


def test_an_infeasible_program_ends_with_4(monkeypatch: pytest.MonkeyPatch) -> None:
    from coercivity.engine.errors import InfeasibleProgram
    from coercivity.models.licensing.answers import commands

    def solve(*_: object) -> None:
        raise InfeasibleProgram("followers", "no point satisfies all constraints", "coercivity validate")

    monkeypatch.setattr(commands, "solve", solve)
    found = run("solve", TOY, *ALONE)
    assert (found.exit_code, found.stdout) == (4, "")
    assert "no point satisfies all constraints" in found.stderr


def test_a_certificate_below_what_is_required_is_shown_and_ends_with_5() -> None:
    found = run("solve", TOY, *ALONE, "--strategy", "half", "--require", "optimal", "--format", "json")
    assert found.exit_code == 5
    assert json.loads(found.stdout)["certificate"]["proof"] == "BILEVEL_FEASIBLE"
    assert "half proves BILEVEL_FEASIBLE, below OPTIMAL" in found.stderr
    assert len(list(Path("runs").iterdir())) == 1


def test_a_fault_of_the_program_is_a_sentence_and_a_traceback_only_with_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    from coercivity.models.licensing.answers import commands

    monkeypatch.setattr(commands, "solve", lambda *_: 1 // 0)
    found = run("solve", TOY)
    assert found.exit_code == 1
    assert "ZeroDivisionError" in found.stderr
    assert "Traceback" not in found.stderr
    for arguments in (("--debug", "solve", TOY), ("solve", TOY, "--debug")):
        assert "Traceback" in run(*arguments).stderr


# -- saved results -----------------------------------------------------------------------------------------------


def test_the_same_question_is_saved_in_the_same_place_with_a_manifest() -> None:
    for _ in range(2):
        assert run("solve", TOY, *ALONE, "--set", "leader.discount_rate=0.08").exit_code == 0
    (saved,) = Path("runs").iterdir()
    manifest = json.loads((saved / "result.json").read_text())["manifest"]
    assert manifest["options"]["set"] == ["leader.discount_rate=0.08"]
    assert {"instance_hash", "effective_instance", "versions", "options", "seed", "status", "gap_musd"} <= set(manifest)
    assert manifest["gap_musd"] == pytest.approx(0.0, abs=1e-6)
    # The instance beside it is the one that was solved.
    said = json.loads(run("validate", str(saved / "instance.yaml"), "--format", "json").stdout)
    assert said["instance"]["hash"] == manifest["instance_hash"]
    run("solve", TOY, *ALONE, "--strategy", "open")
    assert len(list(Path("runs").iterdir())) == 2


def test_verify_accepts_what_was_saved_and_refuses_what_was_changed() -> None:
    run("solve", TOY, *ALONE)
    (saved,) = Path("runs").iterdir()
    text = (saved / "result.json").read_text()
    for argument, stdin in ((str(saved), None), (str(saved / "result.json"), None), ("-", text)):
        found = run("verify", argument, "--format", "json", stdin=stdin)
        assert (found.exit_code, json.loads(found.stdout)["ok"]) == (0, True)
    data = json.loads(text)
    data["leader"]["terms_musd"]["margin"] += 1.0
    found = run("verify", "-", stdin=json.dumps(data))
    assert found.exit_code == 7
    assert re.search(r"^no +optimal", found.stdout, re.MULTILINE)
    del data["certificate"]
    assert run("verify", "-", stdin=json.dumps(data)).exit_code == 7


@pytest.mark.parametrize("place", ["locked", "locked/deeper", "/proc/runs"])
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(place: str) -> None:
    Path("locked").mkdir(mode=0o500)
    if os.name != "posix" or (place.startswith("locked") and os.geteuid() == 0) or not Path("/proc").exists():
        pytest.skip("root may write everywhere")
    found = run("solve", TOY, "--out", place)
    assert (found.exit_code, found.stdout) == (2, "")
    assert "results cannot be saved there" in found.stderr
    assert "--no-save" in found.stderr


def test_a_result_that_cannot_be_saved_is_still_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    from coercivity.engine.desk import runs

    prepare = runs.prepare

    def prepared(root: str, name: str) -> runs.Run:
        found = prepare(root, name)
        monkeypatch.setattr(os, "fsync", full)
        return found

    monkeypatch.setattr(runs, "prepare", prepared)
    found = run("solve", TOY, *ALONE, "--format", "json")
    assert found.exit_code == 8
    assert json.loads(found.stdout)["command"] == "solve"
    assert "no space left" in found.stderr


# -- instances ---------------------------------------------------------------------------------------------------


def test_new_prints_what_validates_and_show_what_is_effective() -> None:
    for arguments in (("new",), ("new", TOY), ("new", "april-2025")):
        assert run("validate", "-", stdin=run(*arguments).stdout).exit_code == 0
    shown = run("show", TOY, "--set", "leader.discount_rate=0.08")
    assert "overridden" in shown.stdout
    assert run("validate", "-", stdin=shown.stdout).exit_code == 0
    assert run("show", TOY, "leader.price.magnets").stdout.startswith("{value: 50.0 USD/kg")
    assert run("show", TOY, "name").stdout == "one-buyer\n"


def test_the_template_solves() -> None:
    found = run("solve", "-", *ALONE, "--no-save", "--require", "OPTIMAL", stdin=run("new").stdout)
    assert found.exit_code == 0


def test_sources_count_every_number_and_list_a_kind() -> None:
    data = json.loads(run("sources", "april-2025", "--format", "json").stdout)
    assert len(data["rows"]) == data["counts"]["total"] > 100
    stale = json.loads(run("sources", "april-2025", "--kind", "stale", "--format", "json").stdout)
    assert len(stale["rows"]) == data["counts"]["stale"] > 0
    changed = run(
        "sources", TOY, "--set", "leader.discount_rate=0.08", "--kind", "overridden", "--format", "csv"
    ).stdout
    assert [row["path"] for row in csv.DictReader(io.StringIO(changed))] == ["leader.discount_rate"]


# -- pipes, terminals, signals -----------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_error() -> None:
    writer = subprocess.Popen([*CLI, "sources", "april-2025"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    assert writer.stderr.read() == b""
    assert writer.wait(60) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_behind_stdout_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run([*CLI, "instances"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 8
    assert "no space left" in found.stderr


def test_closed_streams_are_survived() -> None:
    script = shlex.join([*CLI, "solve", TOY, *ALONE])
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        assert subprocess.run(["bash", "-c", f"{script} {closed}"], capture_output=True, check=False).returncode == 0
    found = subprocess.run(
        ["bash", "-c", shlex.join([*CLI, "solve", "-"]) + " <&-"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 2
    assert "there is no standard input" in found.stderr


def on_terminal(arguments: list[str], interrupt_after: float | None = None, **environment: str) -> tuple[int, str]:
    """Run a command on a terminal of 60 columns; perhaps press Ctrl-C."""
    child, terminal = pty.fork()
    if child == 0:
        # Whoever runs the tests in the background has them ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execve(sys.executable, [*CLI, *arguments], os.environ | {"TERM": "xterm", "COLUMNS": "60"} | environment)
    started, seen, pressed = time.monotonic(), b"", False
    while True:
        if (
            interrupt_after is not None
            and not pressed
            and time.monotonic() - started > interrupt_after
            and b"searching" in seen
        ):
            os.write(terminal, b"\x03")
            pressed = True
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen.decode()


def test_a_terminal_gets_colour_unless_it_does_not_want_any() -> None:
    code, seen = on_terminal(["solve", TOY, *ALONE])
    assert code == 0
    assert "\x1b[1m" in seen
    code, seen = on_terminal(["instances"], NO_COLOR="1")
    assert (code, "\x1b" in seen) == (0, False)


def test_ctrl_c_ends_with_130_and_a_sentence() -> None:
    code, seen = on_terminal(["solve", "gallium-2023", "--jobs", "2", "--no-save"], interrupt_after=0.0)
    assert code == signal.SIGINT + 128
    assert "Interrupted" in seen
    assert "Traceback" not in seen


def test_every_command_is_a_command_of_click() -> None:
    assert all(isinstance(command, click.Command) for command in main_group.commands.values())
