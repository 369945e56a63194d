"""The whole workflow in a folder of its own, for the tests."""

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import yaml

REPO = Path(__file__).parents[2]
PARTS = ("Snakefile", "rules", "scripts", "config", "profiles", "envs", "report")
COLUMNS = ["observed_limit", "expected_m2", "expected_m1", "expected", "expected_p1", "expected_p2"]


def copy(source: Path, target: Path) -> Path:
    """A copy with the same modification times, so that nothing looks newer than it is."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def clone(target: Path) -> Path:
    """The workflow without results."""
    target.mkdir()
    for part in PARTS:
        if (REPO / part).is_dir():
            copy(REPO / part, target / part)
        else:
            shutil.copy2(REPO / part, target / part)
    return target


def heed_interrupts() -> None:
    """Let SIGINT interrupt a process that is about to start (`preexec_fn`): shells let background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def environment(**changes: str) -> dict[str, str]:
    """That of an activated environment."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **changes}


def snakemake(
    folder: Path, *options: str, check: bool = True, prefix: tuple[str, ...] = (), timeout: float = 600, **changes: str
) -> subprocess.CompletedProcess:
    """Run a folder's configuration.

    Args:
        folder: the workflow, with test.yaml.
        options: of Snakemake.
        check: whether it must succeed.
        prefix: a command that runs it.
        timeout: in seconds.
        changes: of the environment.
    """
    command = [*prefix, sys.executable, "-m", "snakemake", *options, "--configfile", "test.yaml"]
    result = subprocess.run(
        command, cwd=folder, env=environment(**changes), capture_output=True, text=True, timeout=timeout
    )
    if check:
        assert result.returncode == 0, result.stdout + result.stderr
    return result


def planned(folder: Path) -> dict[str, int]:
    """{rule: number of jobs} of a dry run; empty if there is nothing to do."""
    command = [sys.executable, folder / "scripts" / "muscan", "jobs", "--configfile", "test.yaml"]
    result = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def write_config(folder: Path, config: dict) -> None:
    (folder / "test.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def limits(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of the table, by analysis/signal."""
    with (folder / "results" / "limits.csv").open(newline="") as file:
        return {f"{row['analysis']}/{row['signal']}": row for row in csv.DictReader(file)}


def with_toys(default_config: dict) -> dict:
    """A small question with both calculators and all kinds of pictures."""
    return {
        "datasets": {"mismatched": default_config["datasets"]["mismatched"]},
        "models": default_config["models"],
        "scan": {
            "mu": [0.1, 0.3, 0.5, 1.0],
            "calculators": ["asymptotics", "toybased"],
            "toys": {"per_hypothesis": 400, "block": 200, "jobs": 2},
        },
        "analyses": {"locked": {"dataset": "mismatched", "model": "locked"}},
    }


def contents(folder: Path) -> dict[str, str]:
    """{file: digest} of everything among the results, hidden files included."""
    files = [path for path in (folder / "results").rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != ".snakemake_timestamp"
    }
