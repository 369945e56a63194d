"""What Snakemake records about the code of a step: its content, not its place."""

import shutil

import pytest

from muscan.base import code as base_code
from muscan.base.code import SCRIPTS
from muscan.run.rules import code


@pytest.fixture
def here() -> str:
    return repr(code.code_of("fit.py"))


@pytest.fixture
def moved(tmp_path, monkeypatch):
    """The code in another folder."""
    scripts = tmp_path / "elsewhere" / "scripts"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (base_code, code):
        monkeypatch.setattr(module, "SCRIPTS", scripts)
    caches = (code.code_of, base_code.imported_modules, base_code._imported)
    for each in caches:
        each.cache_clear()
    yield scripts
    for each in caches:
        each.cache_clear()


def test_the_place_of_the_code_is_not_recorded(tmp_path, monkeypatch):
    here = code.code_of("fit.py")
    monkeypatch.chdir(tmp_path)
    code.code_of.cache_clear()
    there = code.code_of("fit.py")
    assert here != there
    assert repr(here) == repr(there)
    assert (tmp_path / there[0]).samefile(SCRIPTS / "fit.py")


def test_the_content_of_each_module_is_recorded(moved):
    before = {name: repr(code.code_of(name)) for name in ("fit.py", "tables.py")}
    with (moved / "muscan" / "inference" / "newton.py").open("a") as module:
        module.write("# changed\n")
    code.code_of.cache_clear()
    after = {name: repr(code.code_of(name)) for name in before}
    assert after["tables.py"] == before["tables.py"]  # tables need no fits
    assert after["fit.py"] != before["fit.py"]


def test_code_in_another_folder_is_the_same_code(here, moved):
    assert repr(code.code_of("fit.py")) == here
