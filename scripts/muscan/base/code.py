"""What a script consists of."""

import ast
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]


@cache
def modules(script: str, *others: str) -> list[Path]:
    """A script and all modules of ours that it imports, wherever the statements stand, the script first.

    Args:
        script: in the folder of scripts.
        others: modules that it imports by names which are not in its text.
    """
    # The standard library's modulefinder finds the same, but compiles all again for each script: half of the time
    # that Snakemake needs to start.
    path = SCRIPTS / script
    new = [path, *(SCRIPTS / other for other in others)]
    found = set(new)
    while new:
        more = _imported(new.pop()) - found
        found |= more
        new += more
    return [path, *sorted(found - {path})]


@cache
def _imported(file: Path) -> frozenset[Path]:
    """The modules of ours that a file names in its imports, and the packages in which they are."""
    names = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = (name.split(".") for name in names)
    places = {SCRIPTS.joinpath(*each[:length]) for each in parts for length in range(1, len(each) + 1)}
    files = {file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")}
    return frozenset(file for file in files if file.is_file())
