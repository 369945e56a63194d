"""The check of the YAML of configuration files: problems are reported with their lines, and no code is executed."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers.workflow import REPO, environment
from muscan.base.errors import InputError
from muscan.config import text as config_text

LAUGHS = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("datasets:\n\ta: 1\n", "line 2, column 1: not YAML.*not allow tabs"),
        ("a: [1\n b: 2", "line 2, column 3: not YAML"),
        ("a: 'text\n", "line 2, column 1: not YAML"),
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "line 5, column 3: the key 'c' occurs twice, first in line 3"),
        (
            "a: !!python/object/apply:os.system ['touch canary']\n",
            "line 1, column 4: the tag !!python/object.* is not allowed",
        ),
        ("a: !include other.yaml\n", "line 1, column 4: the tag !include is not allowed"),
        ("a: &a [1, *a]\n", "line 1, column 4: aliases"),
        (LAUGHS, "aliases"),
        ("a: " + 60 * "[" + 60 * "]", "nested deeper"),
        ("a: " + 100_000 * "[", "nested deeper"),
        ("- a\n- b\n", "needs blocks of keys"),
        ("", "needs blocks of keys"),
        ("text", "needs blocks of keys"),
        (b"\xff\xfe\x00a", "not text in UTF-8; save the file as UTF-8"),
        ("a: 1\n# µ\n".encode("latin-1"), "line 2: not text in UTF-8; save the file as UTF-8"),
        ("a: 1\n---\nb: 2\n", "line 2.*not YAML"),
        ("a: \x00\n", "not YAML"),
    ],
)
def test_problems_are_named_with_their_lines(tmp_path, content, problem):
    file = tmp_path / "mine.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=rf"mine\.yaml[,:] .*{problem}"):
        config_text.check_file(str(file))
    assert not Path("canary").exists()


def test_all_repeated_keys_are_named(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("a: 1\nb: 2\na: 3\nb: 4\n")
    with pytest.raises(InputError, match=r"line 3.*'a'.*\n.*line 4.*'b'"):
        config_text.check_file(str(file))


@pytest.mark.parametrize(
    "content", ['{"a": {"b":\t[1, 2]}}', "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n", "\ufeffa: 1\n", "a: 2024-01-01\n"]
)
def test_plain_files_are_accepted(tmp_path, content):
    (tmp_path / "mine.yaml").write_text(content)
    config_text.check_file(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize("file", sorted(REPO.glob("config/**/*.yaml")), ids=lambda file: file.name)
def test_our_own_files_are_accepted(file):
    config_text.check_file(str(file))


def test_the_script_ends_with_an_error(tmp_path):
    (tmp_path / "mine.yaml").write_text("a: 1\na: 2\n")
    command = [sys.executable, REPO / "scripts" / "muscan", "check_text", "mine.yaml"]
    result = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (
        1,
        "mine.yaml, line 2, column 1: the key 'a' occurs twice, first in line 1\n",
    )
