"""Find the modules that a script imports."""

import ast
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]


@cache
def imported_modules(script: str, *others: str) -> list[Path]:
    """Return a script and all modules of muscan that it imports, directly or through other modules.

    Import statements inside of functions count as well.

    Args:
        script: the name of the script in the folder `scripts/`.
        others: paths below `scripts/` of modules that it imports by names computed at run time.

    Returns:
        the paths, the script first.
    """
    # The modulefinder of the standard library returns the same, but compiles all modules again for each script, which
    # would slow down every start of Snakemake.
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
    """Return the modules of muscan that a file imports, and the `__init__.py` files of their packages."""
    names = set()
    for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = (name.split(".") for name in names)
    places = {SCRIPTS.joinpath(*part[:length]) for part in parts for length in range(1, len(part) + 1)}
    files = {file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")}
    return frozenset(file for file in files if file.is_file())
