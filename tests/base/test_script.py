"""A script runs on one core and keeps freed memory, independent of environment variables."""

import ctypes
import resource
import signal
import subprocess
import sys

import pytest

from helpers.workflow import heed_interrupts
from muscan.base import script
from muscan.base.code import SCRIPTS

# Runs a script up to its parser, and fails if NumPy is imported before the number of threads is set.
GUARD = """
import os, runpy, sys

class Guard:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy" and "muscan.base.script" not in sys.modules:
            raise AssertionError("NumPy comes before muscan.base.script")

sys.meta_path.insert(0, Guard())
runpy.run_path(sys.argv[1], run_name="script")
print(*(os.environ[name] for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")))
"""


@pytest.mark.parametrize("name", sorted(path.name for path in SCRIPTS.glob("*.py")))
def test_threads_are_set_before_numpy_is_imported(name):
    environment = {"PYTHONPATH": str(SCRIPTS), "OMP_NUM_THREADS": "7"}
    command = [sys.executable, "-c", GUARD, SCRIPTS / name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 1 1\n"


def test_the_guard_finds_numpy_that_comes_first(tmp_path):
    (tmp_path / "wrong.py").write_text("import numpy\nfrom muscan.base.script import run\n")
    command = [sys.executable, "-c", GUARD, tmp_path / "wrong.py"]
    done = subprocess.run(command, env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=False)
    assert "NumPy comes before muscan.base.script" in done.stderr


# Allocates and frees 4 MB often enough to see what becomes of the pages.
FAULTS = """
import resource, sys
from muscan.base import script
if sys.argv[1] == "keep":
    assert script.keep_memory()
import numpy as np
for _ in range(20):
    np.ones(500_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    np.ones(500_000), np.ones(500_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    environment = {"PYTHONPATH": str(SCRIPTS)}
    command = [sys.executable, "-c", FAULTS, how]
    return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="glibc is needed")
def test_memory_that_was_freed_is_used_again():
    pages = 500_000 * 8 // resource.getpagesize()
    assert page_faults("keep") < 2 * pages  # 200 arrays


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_memory_is_as_the_system_has_it(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", None)  # it would not be callable
    assert not script.keep_memory()


def test_a_library_without_mallopt(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not script.keep_memory()


@pytest.mark.parametrize("where", ["main", "import"])
def test_ctrl_c_ends_with_one_line(tmp_path, where):
    """Also while modules are imported, which happens before `run` is called."""
    wait = "print('here', flush=True); time.sleep(60)"
    program = "import sys, time\nfrom muscan.base.script import run\n"
    program += f"def main(argv):\n    {wait}\nrun(main)\n" if where == "main" else f"{wait}\n"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(SCRIPTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert errors == "interrupted\n"
    # After an uncaught KeyboardInterrupt Python ends itself by SIGINT, which a shell reports as 130 too.
    assert process.returncode in (130, -signal.SIGINT)
    assert where == "import" or process.returncode == 130


def test_ctrl_c_is_told_in_the_log(tmp_path):
    program = "from muscan.base.script import run\ndef main(argv):\n    raise KeyboardInterrupt\nrun(main)\n"
    command = [sys.executable, "-c", program, "--log", tmp_path / "step.log"]
    done = subprocess.run(command, env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert (tmp_path / "step.log").read_text() == "interrupted\n"


def test_ctrl_c_during_the_construction_of_an_object(tmp_path):
    """Its destructor may fail, as that of an archive that is not open yet does. This is not reported."""
    program = """
import os, signal
from muscan.base.script import run

class Archive:
    def __init__(self):
        os.kill(os.getpid(), signal.SIGINT)
    def __del__(self):
        self.never_set

run(lambda argv: Archive())
"""
    log = tmp_path / "step.log"
    command = [sys.executable, "-c", program, "--log", str(log)]
    result = subprocess.run(command, env={"PYTHONPATH": str(SCRIPTS)}, preexec_fn=heed_interrupts)
    assert result.returncode == 130
    assert log.read_text() == "interrupted\n"


def test_other_errors_keep_their_traceback():
    program = "import muscan.base.script\n1 / 0\n"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "ZeroDivisionError" in done.stderr
