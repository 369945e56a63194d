"""Toys per second of the whole workflow, from the configuration to the pictures, against those of the bare engine.

`toy_workflow.py PER_HYPOTHESIS` scans sbottom-A (15 values of mu) in a temporary folder, on all cores; before and
after that as many processes as there are cores fit the same model with nothing around them. A toy is a free and a held
fit, so a background-only toy that is tested at n values of mu counts as (1 + n) / 2.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from cases import CASES, PUBLISHED, need, toys

from helpers.workflow import clone
from helpers.workspaces import engine_of

CASE, SIGNAL, SCAN = "sbottom-A", "sbottom_1300_205_60", 15
BARE = 5000  # toys of each process


def configuration(per_hypothesis: int, jobs: int) -> dict:
    folder = PUBLISHED / "sbottom-A"
    source = {"file": str(folder / "BkgOnly.json.gz"), "patches": str(folder / "patches"), "signals": [SIGNAL]}
    return {
        "datasets": {"A": {"workspace": source}},
        "scan": {
            "mu": {"start": 0.25, "stop": 3.75, "number": SCAN},
            "calculators": ["toybased"],
            "toys": {"per_hypothesis": per_hypothesis, "jobs": jobs},
        },
        "analyses": {"A": {"dataset": "A"}},
    }


def workflow(per_hypothesis: int) -> float:
    """Toys per second of a scan."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = clone(Path(temporary) / "run")
        (folder / "config.yaml").write_text(yaml.safe_dump(configuration(per_hypothesis, 10 * os.cpu_count())))
        begin = time.perf_counter()
        command = [sys.executable, "-m", "snakemake", "--configfile", "config.yaml", "--quiet"]
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        seconds = time.perf_counter() - begin
        limits = json.loads((folder / "results" / "A" / SIGNAL / "toybased" / "limits.json").read_text())
    thrown = limits["toys"]["thrown"]
    number = thrown["signal"] + thrown["background"] * (1 + SCAN) / 2
    print(f"workflow: {number:.0f} toys in {seconds:.1f} s, {number / seconds:.0f} toys/s")
    return number / seconds


def bare() -> float:
    """Toys per second of all cores together."""
    command = [sys.executable, "-W", "ignore", __file__, "--bare"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count())]
    rates = [float(run.communicate()[0]) for run in runs]
    print(f"bare engine: {' + '.join(f'{rate:.0f}' for rate in rates)} toys/s")
    return sum(rates)


def one_process() -> float:
    case = CASES[CASE]()
    engine = engine_of(case.workspace, poi_bound=case.poi_bound)
    data, truth = toys(case, BARE)
    engine.fit_both(data[:, :50], truth, case.mu)
    begin = time.perf_counter()
    engine.fit_both(data, truth, case.mu)
    return BARE / (time.perf_counter() - begin)


def main() -> None:
    if sys.argv[1:] == ["--bare"]:
        print(one_process())
        return
    need(CASE)
    before = bare()
    ours = workflow(int(sys.argv[1]))
    after = bare()
    print(f"workflow / bare engine: {2 * ours / (before + after):.3f}")


if __name__ == "__main__":
    main()
