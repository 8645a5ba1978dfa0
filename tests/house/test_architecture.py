"""The walls of the house: who may import whom, what a file may be like, and what shipped data must satisfy."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from coercivity.models.licensing.data.load import effective, load, load_text, shipped

HOUSE = Path(__file__).parents[2]
PACKAGE = "coercivity"
ROOMS = ("engine", "models")
CODE = sorted([HOUSE / "cli.py", *(file for room in ROOMS for file in (HOUSE / room).rglob("*.py"))])
TEXTS = {".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".csv", ".cfg", ".json", ".sh", ""}

LONGEST_FILE = 400
# The command line grows by one short function a command, and nothing else may know Click.
LONGEST_COMMAND_LINE = 800
LONGEST_FUNCTION = 60
WIDEST_INSTANCE = 110
# What the engine has never heard of, in its names and texts; a comment may give an example.
WORLD = r"blocs?(?![a-z])|magnet|rare.?earth|licen[cs]|beijing|washington|china|posture|embargo|buyer"
# Written in two halves, so that this file does not find itself.
UNFINISHED = "|".join(("TO" + "DO", "FIX" + "ME"))
MACHINE = "|".join(rf"(?<![\w.])/{folder}/\w" for folder in ("home", "Users", "root", "work", "tmp"))


def name_of(file: Path) -> str:
    """The file as it is shown in a failure."""
    return file.relative_to(HOUSE).as_posix()


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def imported(file: Path) -> set[str]:
    """Every module that a file imports anywhere, also inside functions; relative imports do not exist here."""
    found: set[str] = set()
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(file)}:{node.lineno}: a relative import"
            # ``from a import b`` may bring the module a.b in.
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports_of(file: Path, package: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in imported(file))


def users_of(package: str) -> list[str]:
    return [name_of(file) for file in CODE if imports_of(file, package)]


# -- who may import whom -------------------------------------------------------------------------------------------

# The floors: a room imports from its own floor's list and from those below it, never from above, and in no circle.
FLOORS = (
    # The interfaces name the types of other rooms and import none of them when they run.
    ("engine.errors", "engine.protocols"),
    ("engine.data", "engine.parallel"),
    ("engine.programs",),
    ("engine.proof",),
    ("engine.menu", "engine.study"),
    ("engine.finite",),
    ("engine.bilevel",),
    ("engine.report",),
    ("engine.desk",),
    # Words are read before anything is said.
    ("models.glossary",),
    ("models.licensing.data",),
    ("models.licensing.audit",),
    ("models.licensing.market",),
    ("models.licensing.announcement",),
    ("models.licensing.buyers",),
    ("models.licensing.leader",),
    ("models.licensing.reading",),
    ("models.licensing.answers",),
    ("models.licensing.studies", "models.licensing.claims"),
    ("models.licensing.pages",),
    ("models.licensing.desk",),
    ("models.fringe", "models.program"),
    ("models.diagnosis", "models.verification"),
    ("models.door", "models.kinds", "models.saved"),
    ("models.explanation",),
    ("models.shell",),
    ("cli",),
)


def rooms_of(name: str) -> tuple[int, str]:
    """The floor and the room of a module."""
    return next(
        (floor, room)
        for floor, rooms in enumerate(FLOORS)
        for room in rooms
        if f"{name}.".startswith(f"{PACKAGE}.{room}.")
    )


def module_of(file: Path) -> str:
    return ".".join((PACKAGE, *file.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__")


def arrows() -> Iterator[tuple[str, str, str]]:
    """Every import of one room by another: the file, its room, the room that it imports."""
    for file in CODE:
        name = module_of(file)
        if name in (
            f"{PACKAGE}.engine",
            f"{PACKAGE}.engine.protocols",
            f"{PACKAGE}.models",
            f"{PACKAGE}.models.shell",
            f"{PACKAGE}.models.licensing",
        ):
            continue
        for other in imported(file):
            if other.startswith(f"{PACKAGE}.") and other.count(".") > 1 and "cli" not in other:
                here, there = rooms_of(name), rooms_of(other)
                if here[1] != there[1]:
                    yield name_of(file), here[1], there[1]


def test_imports_go_down_the_floors() -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    assert [arrow for arrow in arrows() if floor[arrow[1]] <= floor[arrow[2]]] == []


def test_the_interfaces_stand_on_one_page_and_load_nothing() -> None:
    ours = {name for name in loaded_by(f"{PACKAGE}.engine.protocols") if name.startswith(f"{PACKAGE}.")}
    assert ours == {f"{PACKAGE}.engine", f"{PACKAGE}.engine.protocols"}
    elsewhere = {
        (name_of(file), node.name)
        for file in CODE
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.ClassDef)
        and "Protocol" in {ast.unparse(base) for base in node.bases}
        and node.name in ("Method", "Screen", "Executor", "Page")
    }
    assert {name for name, _ in elsewhere} == {"engine/protocols.py"}


def test_an_import_that_goes_up_would_be_found() -> None:
    assert rooms_of("coercivity.engine.errors")[0] < rooms_of("coercivity.models.licensing.data.load")[0]
    assert any(here == "models.licensing.leader" for _, here, _ in arrows())


@pytest.mark.parametrize("above", ["tests", "benchmarks"])
def test_the_package_imports_nothing_beside_it(above: str) -> None:
    assert users_of(above) == []


def test_everything_is_imported_under_one_name() -> None:
    assert [name_of(file) for file in CODE for old in ("engine", "models", "cli") if imports_of(file, old)] == []


JUDGES = ["proof.certificate", "proof.check", "bilevel.response.responder"] + [
    f"bilevel.judge.{file.stem}" for file in sorted((HOUSE / "engine/bilevel/judge").glob("[a-z]*.py"))
]


@pytest.mark.parametrize("judge", JUDGES)
def test_the_judge_never_sees_the_method(judge: str) -> None:
    methods = f"{PACKAGE}.engine.bilevel.methods"
    assert not imports_of(HOUSE / "engine" / f"{judge.replace('.', '/')}.py", methods)
    assert methods not in loaded_by(f"{PACKAGE}.engine.{judge}")


def test_only_programs_see_highs() -> None:
    assert {name.rpartition("/")[0] for name in users_of("highspy")} == {"engine/programs"}


def test_only_programs_touch_what_is_private_to_the_solver() -> None:
    """``hot.highs`` and its kin are spoken to in one folder."""
    found = [
        f"{name_of(file)}:{node.lineno}"
        for file in CODE
        if "programs" not in file.parts
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Attribute) and node.attr in ("highs", "_highs")
    ]
    assert found == []


def test_library_code_reads_neither_argv_nor_stdin() -> None:
    found = [
        f"{name_of(file)}:{node.lineno}"
        for file in CODE
        if name_of(file) not in ("cli.py", "models/shell/group.py")
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.argv", "sys.stdin")
    ]
    assert found == []


def test_only_the_command_line_knows_click() -> None:
    assert {name for name in users_of("click") if not name.startswith("models/shell/")} == {"cli.py"}


@cache
def loaded_by(module: str) -> frozenset[str]:
    """What a fresh interpreter has loaded once it has imported a module."""
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    return frozenset(run.stdout.split())


DATA = "models.licensing.data"
VALIDATION = sorted(module_of(file) for file in (HOUSE / "models/licensing/data").rglob("[a-z]*.py"))


@pytest.mark.parametrize(
    "module",
    [
        "coercivity.engine.proof.certificate",
        "coercivity.models.licensing.audit.recompute",
        "coercivity.models.licensing.audit.program",
        *VALIDATION,
    ],
)
def test_data_and_audit_do_without_pyomo(module: str) -> None:
    found = loaded_by(module)
    assert module in found
    assert "pyomo" not in found
    assert not [name for name in found if name.startswith(f"{PACKAGE}.models.licensing.buyers")]


# What the judge of a strategy may know beside itself: the data, checks, and programs to be solved.
JUDGED_BY = ("engine.errors", "engine.data.units", "engine.proof", "engine.programs", "models.licensing.data")
# The methods that are searched with are none of its business, though they solve programs too.
NEVER = ("engine.programs.ties", "engine.programs.nodes", "engine.programs.quadratic")


@pytest.mark.parametrize("file", sorted((HOUSE / "models/licensing/audit").glob("[a-z]*.py")), ids=name_of)
def test_the_audit_stands_on_the_data_alone(file: Path) -> None:
    ours = {name.removeprefix(f"{PACKAGE}.") for name in loaded_by(module_of(file)) if name.startswith(f"{PACKAGE}.")}
    folders = {"engine", "engine.data", "models", "models.licensing"}
    allowed = (*JUDGED_BY, "models.licensing.audit")
    inside = {name for name in ours for room in allowed if f"{name}.".startswith(f"{room}.")}
    assert ours - folders - inside == set()
    assert not set(NEVER) & ours


def test_help_loads_nothing_heavy() -> None:
    heavy = {"pyomo", "highspy", "numpy", "scipy", "pandas", "pydantic", "altair"}
    assert not heavy & loaded_by("coercivity.cli")


# -- what a file may be like ---------------------------------------------------------------------------------------


def world_words(file: Path) -> Iterator[str]:
    """Words of the world in the names and texts of a file; docstrings are left out."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree_of(file)):
        words = [getattr(node, field, None) for field in ("id", "attr", "name", "arg")]
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            words.append(node.value)
        for word in words:
            if isinstance(word, str) and re.search(WORLD, word, re.IGNORECASE):
                yield f"{name_of(file)}:{node.lineno}: {word[:60]}"


def test_the_engine_has_never_heard_of_the_world() -> None:
    assert [word for file in CODE if "engine" in file.parts for word in world_words(file)] == []


def test_world_words_are_found_where_they_are() -> None:
    assert list(world_words(HOUSE / "models/licensing/announcement/announce.py"))


@pytest.mark.parametrize("file", CODE, ids=name_of)
def test_every_file_fits_on_a_few_screens(file: Path) -> None:
    most = LONGEST_COMMAND_LINE if file.name == "cli.py" else LONGEST_FILE
    assert len(file.read_text("utf-8").splitlines()) <= most


@pytest.mark.parametrize("file", CODE, ids=name_of)
def test_every_function_is_short(file: Path) -> None:
    functions = [node for node in ast.walk(tree_of(file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("file", [*CODE, *sorted((HOUSE / "tests").glob("*.py"))], ids=name_of)
def test_every_file_says_first_what_it_is(file: Path) -> None:
    first = (ast.get_docstring(tree_of(file)) or "").partition("\n")[0]
    assert len(first.split()) >= 3, "the first line of the docstring says what the file is"
    assert first[-1] in ".:", "the first line of the docstring is a sentence"


def test_every_folder_with_code_says_what_it_is() -> None:
    folders = {file.parent for file in CODE} - {HOUSE}
    assert {name_of(folder) for folder in folders if not (folder / "__init__.py").is_file()} == set()


METHODS = sorted(
    [
        *(HOUSE / "engine/menu").glob("[a-z]*.py"),
        *(HOUSE / "engine/bilevel/methods").rglob("[a-z]*.py"),
        HOUSE / "engine/finite/commitment.py",
        HOUSE / "engine/finite/region.py",
    ]
)
MOST_ENTRIES = 13


@pytest.mark.parametrize("file", METHODS, ids=name_of)
@pytest.mark.parametrize("word", ["Accepts", "Bound", "Source"])
def test_every_method_says_what_it_accepts_and_what_its_bound_rests_on(file: Path, word: str) -> None:
    assert re.search(rf"^{word}: \S", ast.get_docstring(tree_of(file)) or "", re.MULTILINE)


def test_a_folder_holds_about_a_dozen_entries() -> None:
    folders = {file.parent for file in CODE} - {HOUSE}
    entries = {
        name_of(folder): sum(entry.name not in ("__init__.py", "__pycache__") for entry in folder.iterdir())
        for folder in folders
    }
    assert {name: count for name, count in entries.items() if count > MOST_ENTRIES} == {}


def test_no_file_is_the_prefix_of_a_family() -> None:
    """Files that share a beginning are a room of their own."""
    names = {(file.parent, file.stem) for file in CODE}
    families = [
        name_of(file)
        for file in CODE
        for other in names
        if other[0] == file.parent and f"{file.stem}_" in other[1][: len(file.stem) + 1]
    ]
    assert families == []


def tracked() -> list[Path]:
    """The files of the project, as git knows them; what git ignores is none of them."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [file for line in listed.stdout.splitlines() if (file := HOUSE / line).is_file() and file.suffix in TEXTS]


def lines_with(pattern: str) -> list[str]:
    """Every line of a tracked text in which a pattern is found."""
    return [
        f"{name_of(file)}:{number}: {line.strip()[:80]}"
        for file in tracked()
        for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), start=1)
        if re.search(pattern, line)
    ]


def test_there_is_no_drawer_for_anything() -> None:
    drawers = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
    assert [name_of(file) for file in tracked() if file.name in drawers] == []


def test_nothing_is_left_unfinished() -> None:
    assert lines_with(rf"\b({UNFINISHED})\b") == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert lines_with(MACHINE) == []


def test_every_model_has_its_page() -> None:
    # The shell is what the command line says of all models, and none itself.
    folders = [folder for folder in (HOUSE / "models").iterdir() if folder.name != "shell"]
    packages = [folder for folder in folders if (folder / "__init__.py").is_file()]
    assert [name_of(folder) for folder in packages if not (folder / "README.md").is_file()] == []


# -- what shipped data must satisfy --------------------------------------------------------------------------------

SHIPPED = [name for name, _, _ in shipped()]
VARIANTS = [(name, variant) for name in SHIPPED for variant in load(name).variants]


def test_every_instance_file_is_shipped_under_its_own_name() -> None:
    files = {file.stem for file in (HOUSE / "instances").rglob("*.yaml") if file.parent.name != "claims"}
    parts = {"behaviour"} | {name for name in files if name.endswith("-record")}
    assert {name.removesuffix("-record") for name in parts} - {"behaviour"} <= set(SHIPPED)
    assert files - parts == set(SHIPPED) == {load(name).name for name in SHIPPED}


def too_wide(lines: list[str]) -> list[int]:
    """Numbers of the lines that do not fit; an address, which cannot be broken, may run over."""
    return [at for at, line in enumerate(lines, 1) if len(re.sub(r"https?://\S+", "", line)) > WIDEST_INSTANCE]


def test_an_instance_reads_at_110_columns() -> None:
    wide = {
        name_of(file): too_wide(file.read_text("utf-8").splitlines()) for file in (HOUSE / "instances").rglob("*.yaml")
    }
    assert {name: lines for name, lines in wide.items() if lines} == {}
    assert too_wide(["a" * 110, f"    url: https://{'a' * 200}", "a" * 111]) == [3]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_number_is_sourced_or_assumed(name: str) -> None:
    instance = load(name)
    numbers = dict(instance.quantities())
    assert len(numbers) > 20
    bare = [path for path, number in numbers.items() if bool(number.source) == bool(number.assumption)]
    ungraded = [path for path, number in numbers.items() if number.source and not (number.grade and number.year)]
    assert bare == ungraded == []


@pytest.mark.parametrize("name", SHIPPED)
def test_every_source_is_cited(name: str) -> None:
    instance = load(name)
    if instance.assumed:
        pytest.skip("an example whose bare numbers are all assumed")
    cited = {source for _, number in instance.quantities() for source in number.source}
    assert cited == set(instance.sources)


@pytest.mark.parametrize("name", SHIPPED)
def test_an_effective_instance_reads_back_the_same(name: str) -> None:
    instance = load(name)
    text = effective(instance)
    again = load_text(text)
    assert again.fingerprint() == instance.fingerprint()
    assert effective(again) == text


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_every_variant_of_a_shipped_instance_loads(name: str, variant: str) -> None:
    assert load(name, variants=[variant]).fingerprint() != load(name).fingerprint()
