"""What jobs cost: CPU time of the default question, of Snakemake and of the steps, and of large dry runs.

`job_workflow.py [JOBS ...]` runs config/config.yaml in temporary folders, with the step server, with an interpreter for
each step, and with all values of mu of a signal in one job. Then a loop over pyhf tests some of these values of mu, and
so many jobs (1,000 and 10,000) are planned without running them.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml
from cases import PUBLISHED, need

from helpers.workflow import clone, environment, write_config

SIGNALS = 125
EVERY = 5  # of so many values of mu, one is tested with pyhf
# Prints the CPU time of Snakemake itself at its end, after that of all jobs and of the step server.
SNAKEMAKE = """
import atexit, resource, sys
from snakemake.cli import main

@atexit.register
def show():
    server = sys.modules["muscan.run.step_server"]
    for process in server._started:
        process.stdin.close()
        process.wait()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print("CPU", usage.ru_utime + usage.ru_stime, file=sys.stderr)

main(sys.argv[1:])
"""
# Tests the values of mu of all workspaces with pyhf in one process, as users do without muscan; prints their number.
PYHF = """
import glob, json, sys
import numpy as np, pyhf
number = 0
for file in sorted(glob.glob("results/*/signal/workspace.json")):
    workspace = pyhf.Workspace(json.load(open(file)))
    codes = {"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
    model = workspace.model(modifier_settings=codes)
    for mu in np.linspace(0, 5, 51)[:: int(sys.argv[1])]:
        pyhf.infer.hypotest(mu, workspace.data(model), model, test_stat="qtilde", return_expected_set=True)
        number += 1
print("tests", number, file=sys.stderr)
"""


class Cost(NamedTuple):
    wall: float  # seconds
    cpu: float  # seconds, of the process and all its children
    megabytes: float  # of the largest process
    printed: float  # the number that it prints at its end


def measure(folder: Path, code: str, *args: str, **changes: str) -> Cost:
    """Run a piece of Python code, and measure it with everything that it starts."""
    begin = time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-c", code, *args]
    with tempfile.TemporaryFile("w+") as messages:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(**changes), stdout=subprocess.DEVNULL, stderr=messages
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        messages.seek(0)
        text = messages.read()
    assert process.returncode == 0, text
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(time.perf_counter() - begin, cpu, usage.ru_maxrss / 1024, float(text.split()[-1]))


def show_runs(folder: Path) -> None:
    """Run the default question, and a loop over pyhf."""
    print(f"{'default question':44}{'wall':>9}{'CPU':>9}{'Snakemake itself':>19}")
    kinds = {
        "with the step server": (1, {}),
        "with an interpreter for each step": (1, {"MUSCAN_STEP_SERVER": "off"}),
        "with the server, one job for all mu": (51, {}),
    }
    for name, (mu_per_job, changes) in kinds.items():
        run = clone(folder / name.replace(" ", "_"))
        config = yaml.safe_load((run / "config" / "config.yaml").read_text())
        config["scan"]["mu_per_job"] = mu_per_job
        write_config(run, config)
        cost = measure(run, SNAKEMAKE, "--configfile", "test.yaml", **changes)
        print(f"{name:44}{cost.wall:7.1f} s{cost.cpu:7.1f} s{cost.printed:17.1f} s")
    cost = measure(run, PYHF, str(EVERY))
    scale = 6 * 51 / cost.printed
    print(f"{f'pyhf in a loop (1 of {EVERY} values, scaled)':44}{scale * cost.wall:7.1f} s{scale * cost.cpu:7.1f} s")


def show_plans(folder: Path, numbers: list[int]) -> None:
    """Plan jobs for all signals of 1Lbb, one for each value of mu."""
    files = {name: str(PUBLISHED / "1Lbb" / f"{name}.json.gz") for name in ("BkgOnly", "patchset")}
    print(f"\n{'dry run of 1Lbb':44}{'wall':>9}{'CPU':>9}{'memory':>12}")
    for number in numbers:
        run = clone(folder / f"plan_{number}")
        mu = {"start": 0, "stop": 5, "number": max(2, number // SIGNALS)}
        config = {
            "datasets": {"1Lbb": {"workspace": {"file": files["BkgOnly"], "patchset": files["patchset"]}}},
            "scan": {"mu": mu, "plots": []},
            "analyses": {"1Lbb": {"dataset": "1Lbb"}},
        }
        write_config(run, config)
        options = ("--dry-run", "--quiet", "all", "--configfile", "test.yaml")
        measure(run, SNAKEMAKE, *options)  # looks into the data sets, once for all runs
        cost = measure(run, SNAKEMAKE, *options)
        title = f"{SIGNALS} signals, {mu['number']} values of mu"
        print(f"{title:44}{cost.wall:7.1f} s{cost.cpu:7.1f} s{cost.megabytes:9.0f} MB")


def main(numbers: list[int]) -> None:
    need("1Lbb")
    with tempfile.TemporaryDirectory() as folder:
        show_runs(Path(folder))
        show_plans(Path(folder), numbers)


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]] or [1_000, 10_000])
