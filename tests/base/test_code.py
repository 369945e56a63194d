"""The modules that a script imports, compared with the ModuleFinder of the standard library."""

from modulefinder import ModuleFinder
from pathlib import Path

import pytest

from muscan.base import code as dependencies

SCRIPTS = dependencies.SCRIPTS


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.glob("*.py")))
def test_modules_are_those_that_python_finds(script):
    finder = ModuleFinder(path=[str(SCRIPTS)])
    finder.run_script(str(SCRIPTS / script))
    files = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
    first, *others = dependencies.imported_modules(script)
    assert first == SCRIPTS / script
    assert set(others) == files - {first}
    assert others == sorted(others)
