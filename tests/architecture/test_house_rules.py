"""What review would have to look for at every change: who imports whom, sizes, clocks and commits."""

from __future__ import annotations

import ast
import io
import re
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("services", "shared", "dondoc")
FILE_LINES, FUNCTION_LINES = 300, 40

# longer, and why
LONG_FILES = {
    "shared/events.py": "what the programs say to one another is one contract, read in one place",
}
LONG_FUNCTIONS = {
    "services/deadline/course.py:obligation_of": "one state, a line a field",
}

CLOCK_READERS = {"machine_now", "monotonic_s", "WallClock"}
COMMITTING = {"commit", "begin"}
COMMIT_WITH_OUTBOX = {"running", "started", "self"}  # shared.program's Running


@cache
def sources() -> dict[str, ast.Module]:
    """Return every module of the programs, migrations left out, by its path."""
    paths = (path for program in PROGRAMS for path in sorted((ROOT / program).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_bytes()) for path in paths}


def length(path: str) -> int:
    return len((ROOT / path).read_text("utf-8").splitlines())


def calls(module: ast.Module) -> Iterator[ast.Attribute]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func


def rules() -> list[str]:
    """Return the paths of the modules that the import contracts call pure."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    [pure] = [contract for contract in contracts if contract["name"].startswith("Rules are pure")]
    named = [name.replace(".", "/") for name in pure["source_modules"]]
    return [path for path in sources() if path.removesuffix(".py") in named or path.rpartition("/")[0] in named]


def test_the_import_contracts_are_kept() -> None:
    with redirect_stdout(io.StringIO()) as said:
        assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0, said.getvalue()


def test_files_are_short_or_have_a_reason() -> None:
    assert {path for path in sources() if length(path) > FILE_LINES} <= set(LONG_FILES)


def test_functions_are_short_or_have_a_reason() -> None:
    long = {
        f"{path}:{node.name}"
        for path, module in sources().items()
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    }
    assert long <= set(LONG_FUNCTIONS)


def test_only_the_clock_module_reads_a_clock() -> None:
    reading = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}
    found = {
        path
        for path, module in sources().items()
        for call in calls(module)
        if isinstance(call.value, ast.Name | ast.Attribute)
        and (ast.unparse(call.value).rpartition(".")[2], call.attr) in reading
    }
    assert found <= {"shared/clock.py"}


def test_rules_get_time_as_an_argument() -> None:
    found = {
        (path, name.name)
        for path in rules()
        for node in ast.walk(sources()[path])
        if isinstance(node, ast.ImportFrom) and node.module == "shared.clock"
        for name in node.names
    }
    assert not {(path, name) for path, name in found if name in CLOCK_READERS}


def test_every_service_has_rules_and_the_contract_names_those_that_exist() -> None:
    assert {path.split("/")[1] for path in rules() if path.startswith("services/")} == {
        "intake",
        "deadline",
        "complaints",
        "notify",
        "console",
    }


def test_only_the_database_module_commits() -> None:
    found = {
        path
        for path, module in sources().items()
        for call in calls(module)
        if call.attr in COMMITTING and ast.unparse(call.value).split(".")[-1] not in COMMIT_WITH_OUTBOX
    }
    assert found == {"shared/db.py", "shared/alembic/env.py"}


def test_sql_of_one_service_names_no_schema_of_another() -> None:
    services = ("intake", "deadline", "complaints", "notify", "console")
    found = [
        f"{path}: {other}"
        for path, module in sources().items()
        if path.startswith("services/")
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for other in services
        if other != path.split("/")[1] and any(f"{verb} {other}." in node.value for verb in ("FROM", "INTO", "JOIN"))
    ]
    assert not found


def test_every_mark_that_silences_a_linter_says_why() -> None:
    marks = re.compile(r"# (noqa|nosec)(?!: ?[A-Z0-9, ]+ - .| [A-Z0-9, ]+ - .)")
    found = [
        f"{path}:{number}"
        for path in sources()
        for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), start=1)
        if marks.search(line)
    ]
    assert not found
