"""One import name: the package holds everything, disturbs no folder, and no folder disturbs it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
CONFIGURATION = tomllib.loads((HOUSE / "pyproject.toml").read_text("utf-8"))
# What other projects call their own folders and files too.
COMMON = ("cli", "engine", "models", "instances", "tests", "benchmarks")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A folder with modules of its own under every common name."""
    for name in COMMON[1:]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f'MINE = "{name}"\n', "utf-8")
    (tmp_path / "cli.py").write_text('MINE = "cli"\n', "utf-8")
    return tmp_path


def test_the_list_of_packages_is_that_of_the_folders() -> None:
    folders = {
        ".".join(("coercivity", *file.parent.relative_to(HOUSE).parts))
        for room in ("engine", "models", "instances")
        for file in (HOUSE / room).rglob("__init__.py")
    }
    assert set(CONFIGURATION["tool"]["setuptools"]["packages"]) == folders | {"coercivity"}


def test_a_module_is_run_by_its_name(crowded: Path) -> None:
    assert run(crowded, "-m", "coercivity", "--version").stdout.startswith("coercivity ")
    told = run(crowded, "-m", "coercivity", "solve", "one-buyer", "--no-save", "--jobs", "2", "--format", "csv")
    assert told.returncode == 0, told.stderr
    assert told.stdout


def test_the_script_runs_where_other_packages_have_common_names(crowded: Path) -> None:
    script = Path(sys.executable).with_name("coercivity")
    told = subprocess.run([script, "instances"], cwd=crowded, capture_output=True, text=True, check=False)
    assert "one-buyer" in told.stdout


def test_what_is_installed_takes_no_common_name(crowded: Path) -> None:
    mine = run(crowded, "-c", f"import coercivity, {', '.join(COMMON)}; print(cli.MINE, engine.MINE, models.MINE)")
    assert mine.stdout.split() == ["cli", "engine", "models"], mine.stderr
    empty = crowded / "elsewhere"
    empty.mkdir()
    for name in COMMON:
        assert run(empty, "-c", f"import coercivity, {name}").returncode == 1, f"{name} can be imported"


def test_the_door_opens_at_once_and_loads_nothing_heavy() -> None:
    told = run(HOUSE.parent, "-c", "import coercivity, sys; print(*sys.modules)")
    assert not {"pyomo", "highspy", "numpy", "pandas", "pydantic", "click"} & set(told.stdout.split())
