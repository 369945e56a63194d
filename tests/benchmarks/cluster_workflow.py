"""What a cluster costs: the default question with toys, here and on a Slurm of one node with as many CPUs.

Prints the wall time of both, how long the jobs that throw toys take, and whether the results are the same. Needs root
on Debian, as tests/cluster does.
"""

import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))

import slurm_node

from helpers.workflow import REPO, clone, contents, snakemake, write_config


def question(per_hypothesis: int) -> dict:
    """The six analyses of the default question, packed: a job for the asymptotic steps of each, one for its toys."""
    config = yaml.safe_load((REPO / "config" / "config.yaml").read_text(encoding="utf-8"))
    toys = {"per_hypothesis": per_hypothesis, "jobs": 1}
    scan = {"calculators": ["asymptotics", "toybased"], "toys": toys, "signals_per_job": 2, "plots": []}
    return config | {"scan": config["scan"] | scan}


def timed(folder: Path, config: dict, *options: str) -> float:
    """Seconds of a run in a fresh folder."""
    clone(folder)
    write_config(folder, config)
    start = time.monotonic()
    snakemake(folder, *options, timeout=7200)
    return time.monotonic() - start


def seconds(folder: Path) -> list[float]:
    """How long the jobs that throw toys took, without Snakemake."""
    found = []
    for path in (folder / "benchmarks").rglob("round_*.tsv"):
        with path.open(newline="") as file:
            found += [float(row["s"]) for row in csv.DictReader(file, delimiter="\t")]
    return found


def main(per_hypothesis: int) -> None:
    config = question(per_hypothesis)
    slurm_node.start()
    with tempfile.TemporaryDirectory() as folder:
        here, there = Path(folder, "here"), Path(folder, "there")
        walls = {
            "here": timed(here, config, "--cores", "2"),
            "Slurm": timed(there, config, "--workflow-profile", "profiles/slurm"),
        }
        for name, wall in walls.items():
            jobs = seconds(here if name == "here" else there)
            print(f"{name:5}  {wall:6.1f} s wall; {len(jobs)} jobs throw toys, {np.median(jobs):.1f} s each (median)")
        print(f"ratio  {walls['Slurm'] / walls['here']:.2f}; the same bytes: {contents(here) == contents(there)}")
    slurm_node.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
