"""The workflow on a real Slurm, through profiles/slurm: the bytes of a local run, whatever breaks meanwhile."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import slurm_node

from helpers.workflow import clone, contents, environment, planned, snakemake, with_toys, write_config

REASON = slurm_node.reason_not_to_run()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no Slurm can be started: {REASON}")
study = pytest.mark.skipif("MUSCAN_STUDY" not in os.environ, reason="takes minutes: make study-cluster")

# As the profile says, but impatient.
PROFILE = ("--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2")
LIMIT = ("timeout", "--kill-after", "10", "300")


@pytest.fixture(scope="module", autouse=True)
def slurm():
    try:
        slurm_node.install()
    except slurm_node.SlurmError as error:
        pytest.skip(f"Slurm's packages cannot be installed: {error}")
    slurm_node.start(nodes=2, cpus=1)
    yield
    slurm_node.stop()


@pytest.fixture(scope="module")
def question(default_config) -> dict:
    small = with_toys(default_config)
    return small | {"scan": small["scan"] | {"signals_per_job": 2}}


@pytest.fixture(scope="module")
def expected(tmp_path_factory, question) -> dict[str, str]:
    """The results of a local run."""
    folder = clone(tmp_path_factory.mktemp("cluster") / "local")
    write_config(folder, question)
    snakemake(folder)
    return contents(folder)


@pytest.fixture
def folder(tmp_path, question) -> Path:
    folder = clone(tmp_path / "run")
    write_config(folder, question)
    return folder


class Run:
    """A run on Slurm whose first job of a script is slow, so that something can happen to it."""

    def __init__(self, folder: Path, script: str, seconds: float, *options: str):
        self.folder, self.script = folder, script
        held = folder / "held"
        python = folder / "bin" / "python"
        python.parent.mkdir(exist_ok=True)
        python.write_text(
            f'#!/bin/sh\ncase "$1" in */{script}) mkdir {held} 2>/dev/null && sleep {seconds} ;; esac\n'
            f'exec {sys.executable} "$@"\n'
        )
        python.chmod(0o755)
        path = f"{python.parent}{os.pathsep}{environment()['PATH']}"
        self._result: subprocess.CompletedProcess | None = None
        arguments = (folder, *PROFILE, *options)
        self._thread = threading.Thread(target=self._run, args=arguments, kwargs={"PATH": path})
        self._thread.start()
        end = time.monotonic() + 180
        while not held.exists():
            assert time.monotonic() < end, "the job did not start"
            assert self._thread.is_alive(), "the run ended without it"
            time.sleep(0.2)

    def _run(self, folder: Path, *options: str, **changes: str) -> None:
        self._result = snakemake(folder, *options, check=False, prefix=LIMIT, **changes)

    def job(self) -> tuple[str, str]:
        """Number and node of the job that is held, or of another one of its rule."""
        jobs = slurm_node.run("squeue", "--noheader", "--states=RUNNING", "--format=%i %N %k").splitlines()
        rule = self.script.removesuffix(".py")
        number, node = next(line.split()[:2] for line in jobs if rule in line)
        return number, node

    def end(self) -> subprocess.CompletedProcess:
        self._thread.join()
        return self._result


def test_the_bytes_of_a_local_run(folder, expected):
    snakemake(folder, *PROFILE, prefix=LIMIT)
    assert contents(folder) == expected
    assert planned(folder) == {}


def test_cancelled_and_too_large(folder, expected):
    """scancel of a job, and another one over its memory: both are sent again, the second with more.

    What never gets enough is listed, and the next run, here, does the rest.
    """
    memory = ("scan_locked_1_of_1:mem_mb=40 if attempt == 1 else 1000", "invert_toys:mem_mb=40")
    run = Run(folder, "throw_toys.py", 60, "--retries", "1", "--set-resources", *memory)
    slurm_node.run("scancel", run.job()[0])
    result = run.end()
    assert result.returncode == 1
    assert "Not made: results/locked/signal/toybased/limits.json, " in result.stderr
    assert "results/locked/signal/toybased/plan_0.json" not in result.stderr.partition("Not made: ")[2]
    snakemake(folder)
    assert contents(folder) == expected


@study
def test_over_its_time(folder, expected):
    """The first attempt of a job takes longer than its minute."""
    run = Run(folder, "throw_toys.py", 300, "--set-resources", "throw_toys:runtime=attempt")
    result = run.end()
    assert result.returncode == 0, result.stdout + result.stderr
    assert contents(folder) == expected


@study
@pytest.mark.parametrize("with_jobs", [False, True])
def test_node_goes_down_and_comes_back(folder, expected, with_jobs):
    """With the jobs on it or without: they are sent to the other node, because Snakemake avoids the one that failed."""
    run = Run(folder, "throw_toys.py", 60)
    _, node = run.job()
    slurm_node.node_down(node, with_jobs=with_jobs)
    time.sleep(40)
    slurm_node.node_up(node)
    result = run.end()
    assert result.returncode == 0, result.stdout + result.stderr
    assert contents(folder) == expected


@study
@pytest.mark.parametrize("script", ["throw_toys.py", "scan_signals.py"])
def test_controller_is_away(folder, expected, script):
    """While a job runs, and while others are to be sent."""
    run = Run(folder, script, 5)
    slurm_node.controller_stop()
    time.sleep(25)
    slurm_node.controller_start()
    result = run.end()
    assert result.returncode == 0, result.stdout + result.stderr
    assert contents(folder) == expected


@study
def test_snakemake_is_killed(folder, expected):
    """Its jobs go on; the next run, after --unlock, ends with the same bytes while they still run."""
    run = Run(folder, "throw_toys.py", 20)
    subprocess.run(["pkill", "--signal", "KILL", "--full", "--", f"snakemake.*{PROFILE[1]}"], check=True)
    assert run.end().returncode != 0
    snakemake(folder, "--unlock")
    snakemake(folder, *PROFILE, prefix=LIMIT)
    assert contents(folder) == expected
