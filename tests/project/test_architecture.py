"""The architecture: packages import only downwards, nothing in circles, scripts stand alone, and files are short."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from muscan.base.versions import ROOT

SCRIPTS = ROOT / "scripts"
LIBRARY = SCRIPTS / "muscan"
# A package imports only from those before it; docs/architecture.md has the same list.
PACKAGES = (
    "base",
    "records",
    "config",
    "optimize",
    "histfactory",
    "inference",
    "toys",
    "diagnosis",
    "inputs",
    "steps",
    "results",
    "plotting",
    "report",
    "run",
    "commands",
)
LONGEST = 350  # lines of a file
MOST_SCRIPTS = 40


def modules() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """The full names of all that a file imports, wherever the statements stand."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package(name: str) -> str | None:
    """The package of ours in which a name is."""
    parts = name.split(".")
    return parts[1] if parts[0] == "muscan" and len(parts) > 1 else None


def test_the_packages_are_those_of_the_list():
    assert {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_imports_only_from_those_before_it(name):
    allowed = set(PACKAGES[: PACKAGES.index(name) + 1])
    for file in (LIBRARY / name).rglob("*.py"):
        wrong = [each for each in imported(file) if package(each) and package(each) not in allowed]
        assert not wrong, f"{file.relative_to(ROOT)} imports {wrong}"


def test_no_module_imports_itself_in_a_circle():
    names = {file: f"muscan.{'.'.join(file.relative_to(LIBRARY).with_suffix('').parts)}" for file in modules()}
    known = {name: file for file, name in names.items()}
    needs = {
        file: {known[part] for each in imported(file) for part in (each, each.rpartition(".")[0]) if part in known}
        for file in names
    }
    left = dict(needs)
    while left:
        free = [file for file, others in left.items() if not others & left.keys() - {file}]
        assert free, f"import circle among {sorted(names[file] for file in left)}"
        for file in free:
            assert file not in left[file], f"{names[file]} imports itself"
            del left[file]


@pytest.mark.parametrize("file", sorted(SCRIPTS.glob("*.py")), ids=lambda file: file.stem)
def test_a_script_imports_no_script(file):
    scripts = {script.stem for script in SCRIPTS.glob("*.py")}
    assert not scripts & {name.split(".")[0] for name in imported(file)}


def test_a_library_module_imports_no_script():
    scripts = {script.stem for script in SCRIPTS.glob("*.py")}
    for file in modules():
        assert not scripts & {name.split(".")[0] for name in imported(file)}, file


def test_every_script_belongs_to_a_rule():
    rules = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "rules").glob("*.smk"))
    scripts = sorted(file.name for file in SCRIPTS.glob("*.py"))
    assert [name for name in scripts if f'"{name}"' not in rules and f"scripts/{name}" not in rules] == []
    assert len(scripts) <= MOST_SCRIPTS


def test_files_are_short():
    long = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in modules()}
    assert {name: lines for name, lines in long.items() if lines > LONGEST} == {}


def test_packages_are_not_filled_at_import():
    assert [file for file in LIBRARY.rglob("__init__.py") if file.read_text(encoding="utf-8").strip()] == []


def test_modules_say_what_they_are():
    without = [file for file in modules() if file.name != "__init__.py" and not ast.get_docstring(parsed(file))]
    assert without == []


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))
