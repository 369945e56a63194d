"""A result has a seal and is used only if it has not changed; files that are not results have no seal."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from muscan.base import files, seals


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_digests_are_those_of_sha256sum():
    files.write_text("results/a/b.txt", "something\n")
    expected = hashlib.sha256(b"something\n").hexdigest()
    assert seals.digest("results/a/b.txt") == expected
    assert (seals.SEALS / "a" / "b.txt").read_text() == f"{expected}\n"


@pytest.mark.parametrize("path", ["elsewhere/b.txt", "results/../b.txt", "results/.part-host-1-x/b.txt"])
def test_only_results_have_seals(path):
    files.write_text(path, "something\n")
    assert not seals.SEALS.exists()


def test_an_absolute_path_is_the_same_result(tmp_path):
    files.write_text(tmp_path / "results" / "b.txt", "something\n")
    assert (seals.SEALS / "b.txt").exists()


@pytest.mark.parametrize("content", ["", "somethin\n", "somethinG\n", "something\n\n"])
def test_a_changed_result_is_broken(content):
    files.write_text("results/b.txt", "something\n")
    seals.require_intact("results/b.txt")
    assert list(seals.broken_results()) == []
    (seals.RESULTS / "b.txt").write_text(content)
    assert list(seals.broken_results()) == [seals.RESULTS / "b.txt"]
    with pytest.raises(seals.BrokenResult, match=r"results/b\.txt was cut off, edited or replaced"):
        seals.require_intact("results/b.txt")
    seals.remove_result("results/b.txt")
    assert not [path for path in seals.RESULTS.rglob("*") if path.is_file()]


def test_a_touched_result_is_whole():
    files.write_text("results/b.txt", "something\n")
    os.utime("results/b.txt", (0, 0))
    assert list(seals.broken_results()) == []


def test_the_old_time_does_not_hide_a_change():
    files.write_text("results/b.txt", "something\n")
    times = os.stat("results/b.txt")
    (seals.RESULTS / "b.txt").write_text("somethinG\n")
    os.utime("results/b.txt", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert list(seals.broken_results()) == [seals.RESULTS / "b.txt"]


@pytest.mark.parametrize("damage", ["edit", "remove", "add"])
def test_a_folder_is_one_result(damage):
    with files.atomic_write_folder("results/folder") as folder:
        for name in ("one", "two"):
            (folder / name).write_text(name)
    (seals.RESULTS / "folder" / seals.SNAKEMAKE_TIMESTAMP).touch()
    assert list(seals.broken_results()) == []
    if damage == "edit":
        (seals.RESULTS / "folder" / "one").write_text("on")
    elif damage == "remove":
        (seals.RESULTS / "folder" / "one").unlink()
    else:
        (seals.RESULTS / "folder" / "three").touch()
    assert list(seals.broken_results()) == [seals.RESULTS / "folder"]
    seals.remove_result("results/folder")
    assert list(seals.broken_results()) == []


def test_a_result_without_a_seal_is_taken_as_it_is():
    """Results are used without a check after a user has removed the seals."""
    files.write_text("results/b.txt", "something\n")
    shutil.rmtree(seals.SEALS)
    (seals.RESULTS / "b.txt").write_text("else")
    seals.require_intact("results/b.txt")
    assert list(seals.broken_results()) == []


def test_results_below_a_prefix_have_their_own_seals():
    """A prefix may contain the name `results`, and so may a result."""
    for name in ("limits/results/results/b.txt", "results/deep/results/b.txt"):
        files.write_text(name, "something\n")
    assert Path("limits/results/.sha256/results/b.txt").exists()
    assert Path("results/.sha256/deep/results/b.txt").exists()
    for folder in ("limits/results", "results/deep/results"):
        broken = Path(folder, "b.txt" if "deep" in folder else "results/b.txt")
        broken.write_text("else")
        assert list(seals.broken_results(folder)) == [broken]
        seals.remove_result(broken)
        assert not [path for path in Path(folder).rglob("b.txt") if path.is_file()]
    assert list(seals.broken_results("elsewhere")) == []


def test_the_path_of_a_result_does_not_depend_on_the_prefix():
    assert seals.path_in_results("limits/results/a/results/b.txt") == Path("a/results/b.txt")
    assert seals.path_in_results("results/a/b.txt") == Path("a/b.txt")
    assert seals.is_result("limits/results/a")
    assert not seals.is_result("../results/a")
    with pytest.raises(ValueError, match="not in a folder results"):
        seals.path_in_results("limits/a")
