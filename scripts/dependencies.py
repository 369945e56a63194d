"""What a script consists of."""

from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path

SCRIPTS = Path(__file__).parent


@cache
def modules(script: str) -> list[Path]:
    """A script and all modules of ours that it imports, the script first."""
    finder = ModuleFinder(path=[str(SCRIPTS)])
    path = SCRIPTS / script
    finder.run_script(str(path))
    files = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
    return [path, *sorted(files - {path})]
