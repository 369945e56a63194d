"""The folder of muscan is found for every source of a Snakefile."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.sourcecache import GenericSourceFile, LocalGitFile, LocalSourceFile

from muscan.base.versions import ROOT
from muscan.run import source


class Repository:
    """A git repository with what a source needs of muscan, in the folder `inside`."""

    def __init__(self, folder: Path, inside: str = ""):
        self.folder, self.root = folder, folder / inside
        for part in source.PARTS:
            (self.root / part / "x").mkdir(parents=True)
            (self.root / part / "x" / "state").write_text("0")
        (self.root / "tests").mkdir()
        (self.root / "tests" / "state").write_text("0")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.change("1")

    def git(self, *options: str) -> str:
        names = ["-c", "user.name=tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *names, *options], cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def change(self, state: str) -> str:
        """Commit a new state, and return the name of the commit."""
        (self.root / "scripts" / "x" / "state").write_text(state)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", state)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state(folder: str) -> str:
    return Path(folder, "scripts", "x", "state").read_text()


def test_a_local_folder_is_used_as_it_is(here):
    assert source.folder_of(LocalSourceFile("somewhere/rules"), True) == str(here / "somewhere")
    assert not list(here.iterdir())


def test_a_commit_becomes_a_folder_once(here):
    repository = Repository(here / "repository")
    commit = repository.git("rev-parse", "HEAD")
    rules = LocalGitFile(str(repository.folder), "rules", commit=commit)
    folder = source.folder_of(rules, True)
    assert folder == f".snakemake/muscan/source/{commit}"
    assert state(folder) == "1"
    assert {path.name for path in Path(folder).iterdir()} == set(source.PARTS)  # without the tests
    (Path(folder) / "mark").touch()
    assert source.folder_of(rules, True) == folder
    assert (Path(folder) / "mark").exists()
    assert not list(source.CACHE.glob(".part-*"))


def test_a_branch_is_followed_by_the_next_run_but_not_by_jobs(here):
    repository = Repository(here / "repository")
    rules = LocalGitFile(str(repository.folder), "rules", ref="main")
    first = source.folder_of(rules, True)
    new = repository.change("2")
    assert source.folder_of(rules, False) == first
    assert state(first) == "1"
    second = source.folder_of(rules, True)
    assert second.endswith(new)
    assert state(second) == "2"
    assert source.folder_of(rules, False) == second
    assert state(first) == "1"


def test_a_job_without_the_folder_of_the_run_finds_the_commit_itself(here):
    repository = Repository(here / "repository")
    rules = LocalGitFile(str(repository.folder), "rules", ref="main")
    assert state(source.folder_of(rules, False)) == "1"


def test_muscan_may_be_in_a_folder_of_a_repository(here):
    repository = Repository(here / "repository", "parts/limits")
    rules = LocalGitFile(str(repository.folder), "parts/limits/rules", ref="main")
    assert state(source.folder_of(rules, True)) == "1"


def test_a_clone_that_snakemake_made(here):
    """`github(...)` and `gitlab(...)`: Snakemake has a bare clone of them."""
    repository = Repository(here / "repository")
    repository.git("clone", "--quiet", "--bare", str(repository.folder), str(here / "bare"))
    hosted = SimpleNamespace(repo=SimpleNamespace(git_dir=str(here / "bare")))
    rules = SimpleNamespace(hosted_repo=hosted, path="rules", ref="main", is_local=False)
    assert state(source.folder_of(rules, True)) == "1"


def test_an_interrupted_copy_leaves_nothing(here, monkeypatch):
    repository = Repository(here / "repository")
    rules = LocalGitFile(str(repository.folder), "rules", ref="main")
    monkeypatch.setattr(source.os, "rename", lambda *_: (_ for _ in ()).throw(OSError("no space left on the device")))
    with pytest.raises(OSError, match="no space"):
        source.folder_of(rules, True)
    assert not list(source.CACHE.iterdir())


def test_single_files_are_not_enough():
    with pytest.raises(SystemExit, match=r"muscan cannot be used from https://.*Use github\(\.\.\.\)"):
        source.folder_of(GenericSourceFile("https://example.org/muscan/rules"), True)


PROGRAM = """
import runpy, sys
from snakemake.sourcecache import LocalSourceFile

before = list(sys.path)
for folder in sys.argv[2:]:
    load = runpy.run_path(sys.argv[1])["load_library"]
    load(LocalSourceFile(folder + "/rules"), True)
    from muscan.base import words
    print(words.__file__)
assert sys.path == before
"""


def load(*folders: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", PROGRAM, source.__file__, *map(str, folders)]
    return subprocess.run(command, cwd=folders[0], capture_output=True, text=True, timeout=60)


def test_the_library_is_imported_from_there_without_a_change_of_the_path(tmp_path):
    """The scripts `tables.py` or `report.py` would otherwise hide modules of other workflows."""
    other = tmp_path / "other"
    shutil.copytree(ROOT / "scripts" / "muscan" / "base", other / "scripts" / "muscan" / "base")
    (other / "scripts" / "muscan" / "__init__.py").touch()
    result = load(other, other)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [str(other / "scripts" / "muscan" / "base" / "words.py")] * 2


def test_two_versions_in_one_process_are_refused(tmp_path):
    for name in ("one", "other"):
        shutil.copytree(ROOT / "scripts" / "muscan" / "base", tmp_path / name / "scripts" / "muscan" / "base")
        (tmp_path / name / "scripts" / "muscan" / "__init__.py").touch()
    result = load(tmp_path / "one", tmp_path / "other")
    assert result.returncode == 1
    assert "This workflow uses muscan from two places" in result.stderr
    assert "use the same source for all modules" in result.stderr
