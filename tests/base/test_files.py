"""Result files are written completely or not at all, are strict JSON, and can be records of failures."""

import gzip
import hashlib
import json
import os
import stat
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from muscan.base.errors import LONGEST_REASON, FitError, InputError, StepError
from muscan.base.files import atomic_write, made_by, read_result, record_failure, write_json, write_text
from muscan.base.json_input import read_json


def names(folder: Path) -> list[str]:
    """Return the names of all files in a folder, including hidden ones."""
    return sorted(path.name for path in folder.iterdir())


def fail_half_way(path: Path, error: type[BaseException]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("half of the n")
        raise error


class TestWriting:
    def test_the_folder_is_made(self, tmp_path):
        write_text(tmp_path / "a" / "b" / "text.txt", "µ\n")
        assert (tmp_path / "a" / "b" / "text.txt").read_bytes() == "µ\n".encode()

    def test_an_old_file_is_replaced(self, tmp_path):
        write_text(tmp_path / "text.txt", "old")
        write_text(tmp_path / "text.txt", "new")
        assert (tmp_path / "text.txt").read_text() == "new"
        assert names(tmp_path) == ["text.txt"]

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
    def test_a_writer_that_fails_leaves_the_old_file(self, tmp_path, error):
        path = tmp_path / "text.txt"
        write_text(path, "old")
        with pytest.raises(error):
            fail_half_way(path, error)
        assert path.read_text() == "old"
        assert names(tmp_path) == ["text.txt"]

    def test_a_writer_that_fails_makes_no_file(self, tmp_path):
        with pytest.raises(ValueError):  # noqa: PT011
            fail_half_way(tmp_path / "text.txt", ValueError)
        assert names(tmp_path) == []

    def test_the_temporary_name_is_beside_the_file_and_keeps_its_suffix(self, tmp_path):
        """Renaming is atomic within a file system only; matplotlib chooses a format by the suffix."""
        with atomic_write(tmp_path / "plot.png") as temporary:
            assert temporary.parent == tmp_path
            assert temporary.suffix == ".png"

    def test_long_names(self, tmp_path):
        write_text(tmp_path / ("x" * 240 + ".json"), "{}")
        assert len(names(tmp_path)) == 1

    def test_permissions_are_those_of_any_new_file(self, tmp_path):
        old = os.umask(0o027)
        try:
            write_text(tmp_path / "text.txt", "")
        finally:
            os.umask(old)
        assert stat.S_IMODE((tmp_path / "text.txt").stat().st_mode) == 0o640

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_what_is_not_json_is_not_written(self, tmp_path, value):
        path = tmp_path / "record.json"
        write_json(path, {"limit": 1.5})
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(path, {"limit": value})
        assert read_json(path) == {"limit": 1.5}
        assert names(tmp_path) == ["record.json"]

    def test_numbers_come_back_as_they_were(self, tmp_path):
        record = {"values": [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0], "none": None, "flag": True, "text": "µ"}
        write_json(tmp_path / "record.json", record)
        assert read_json(tmp_path / "record.json") == record


class TestReading:
    def test_plain_and_gzipped(self, tmp_path):
        record = {"a": [1, 2.5, None]}
        (tmp_path / "plain.json").write_text(json.dumps(record))
        (tmp_path / "packed").write_bytes(gzip.compress(json.dumps(record).encode()))
        assert read_json(tmp_path / "plain.json") == read_json(tmp_path / "packed") == record

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"not json",
            b"\xff\xfe{}",
            gzip.compress(b"{}")[:-9],
            b"\x1f\x8b nonsense",
            gzip.compress(b"{"),
        ],
        ids=["empty", "cut", "text", "binary", "cut gzip", "no gzip", "cut within gzip"],
    )
    def test_what_is_not_json_is_named(self, tmp_path, content):
        (tmp_path / "broken.json").write_bytes(content)
        with pytest.raises(InputError, match=r"broken\.json: not JSON"):
            read_json(tmp_path / "broken.json")

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"[" * 100_000, "nested deeper"),
            (b"[" * 60 + b"1" + b"]" * 60, "nested deeper"),
            (b'{"a": {"b": 1, "c": 2, "b": 3}}', "the key 'b' occurs twice"),
            (b'{"a": [1, {"b/c": [0, NaN]}]}', "/a/1/b/c/1 is not a finite number"),
            (b'{"a": [1e999]}', "/a/0 is not a finite number"),
            (b'{"a": [-Infinity, Infinity]}', "/a/0 is not a finite number"),
            (b'{"a": 1' + b"0" * 400 + b"}", "/a is not a finite number"),
            (gzip.compress(b" " * 3_000_000 + b"1"), "unpacks to more than 2 MB.*max_megabytes"),
            (b" " * 3_000_000 + b"1", "has more than 2 MB.*max_megabytes"),
        ],
    )
    def test_what_would_do_harm_is_refused(self, tmp_path, content, problem):
        (tmp_path / "hostile.json").write_bytes(content)
        with pytest.raises(InputError, match=rf"hostile\.json: .*{problem}"):
            read_json(tmp_path / "hostile.json", max_megabytes=2)

    def test_large_finite_numbers_are_read(self, tmp_path):
        (tmp_path / "large.json").write_text("[1e308, 1e308, -1e308]")
        assert read_json(tmp_path / "large.json") == [1e308, 1e308, -1e308]

    def test_only_files_are_read(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.json")
        (tmp_path / "link.json").symlink_to(tmp_path / "gone.json")
        (tmp_path / "folder.json").mkdir()
        link = "a link whose target does not exist"
        for name, problem in (("pipe", "a pipe"), ("link", link), ("folder", "a folder")):
            with pytest.raises(InputError, match=rf"{name}\.json: .*{problem}"):
                read_json(tmp_path / f"{name}.json")

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(InputError, match=r"absent\.json: no such file"):
            read_json(tmp_path / "absent.json")


class TestFailures:
    @pytest.mark.parametrize("error", [StepError, InputError, FitError])
    def test_they_are_written_in_the_place_of_the_result_and_read_as_failures(self, tmp_path, error, capsys):
        path = tmp_path / "fit.json"
        with record_failure(path):
            raise error("the fit with mu = 1 did not converge")
        assert read_json(path) == {"status": "failed", "reason": "the fit with mu = 1 did not converge"}
        assert "did not converge" in capsys.readouterr().err
        with pytest.raises(StepError, match=r"^the fit with mu = 1 did not converge$"):
            read_result(path)

    @pytest.mark.parametrize("error", [OSError, KeyError, MemoryError, KeyboardInterrupt])
    def test_other_errors_end_the_job(self, tmp_path, error):
        """A full disk or a defect of muscan is not a property of the signal; the next run tries again."""
        with pytest.raises(error), record_failure(tmp_path / "fit.json"):
            raise error
        assert names(tmp_path) == []

    def test_a_long_reason_is_cut(self, tmp_path, capsys):
        with record_failure(tmp_path / "fit.json"):
            raise InputError("x" * 300_000)
        reason = "x" * LONGEST_REASON + "..."
        assert json.loads((tmp_path / "fit.json").read_text())["reason"] == reason
        assert capsys.readouterr().err == f"failed: {reason}\n"

    def test_results_are_no_failures(self, tmp_path):
        for record in ({"status": "ok"}, {"status": "fit_failed"}, {}, [{"status": "failed"}]):
            write_json(tmp_path / "record.json", record)
            assert read_result(tmp_path / "record.json") == record


def test_what_made_a_result(tmp_path):
    (tmp_path / "workspace.json").write_bytes(b"{}")
    record = made_by([tmp_path / "workspace.json"], seed=3)
    assert record["inputs"] == {"workspace.json": hashlib.sha256(b"{}").hexdigest()}
    assert record["options"] == {"seed": 3}
    assert record["pyhf"] == version("pyhf")
    assert str(tmp_path) not in json.dumps(record)  # results do not depend on the place


SCRIPT = """
import os, sys, warnings
sys.path.insert(0, {scripts!r})
from muscan.base.script import run

def main(argv):
    print("arguments", argv)
    print("problem", file=sys.stderr)
    os.write(2, b"from a library in C\\n")
    if "crash" in argv:
        raise RuntimeError("broken")

run(main)
"""


@pytest.mark.parametrize("crash", [False, True])
def test_all_messages_go_to_the_log(tmp_path, crash):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(scripts=str(Path(__file__).parents[2] / "scripts")))
    log = tmp_path / "logs" / "script.log"
    options = ["crash"] if crash else ["--mu", "1"]
    done = subprocess.run([sys.executable, script, "--log", log, *options], capture_output=True, text=True, check=False)
    assert done.returncode == int(crash)
    assert done.stdout == done.stderr == ""
    text = log.read_text()
    assert f"arguments {options}" in text
    assert "problem" in text
    assert "from a library in C" in text
    assert ("RuntimeError: broken" in text) == crash
