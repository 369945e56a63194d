"""The end of a run: messages that are printed when the process ends, because a progress bar would hide them before.

Whether a result is up to date is what Snakemake's graph of jobs (its DAG) says: a result of an earlier run, perhaps of
another configuration, is not presented as one of this run.
"""

import atexit
import logging
import os
import subprocess
import sys

from muscan.base.code import SCRIPTS
from muscan.config.result_files import VERDICT
from muscan.run import existing_results
from muscan.run.progress import LOGGER

COMPANIONS = ("limits.md", "toybased.md", "plots/limits.png", "report.html")  # what the table of limits names
NOTHING_TO_DO = "Nothing to be done"  # beginning of a message of Snakemake, which then calls neither hook


def files_up_to_date(dag) -> set[str]:
    """Return the results that are of the present configuration, as Snakemake's DAG says.

    Args:
        dag: the DAG of a run; files for which it has no job are not known to be up to date.

    Returns:
        outputs of the jobs that have finished in this run or did not have to run.
    """
    return {str(file) for job in dag.jobs if dag.noneedrun_finished(job) for file in job.output}


def show_limits(dag, grids: list[str], if_outdated: bool = True, results: str = "results") -> None:
    """Print the table of limits when this process ends, if it exists and is up to date.

    Args:
        dag: the DAG of the run.
        grids: names of the grids of signals; a line is printed for each whose table of points is up to date.
        if_outdated: whether to print a line about a table that is of an earlier run.
        results: the folder of the results.
    """
    limits = f"{results}/limits.csv"
    if not os.path.exists(limits):
        return
    current = files_up_to_date(dag)
    if limits not in current:
        if if_outdated:
            message = f"This run did not renew {limits}, which is from an earlier run."
            atexit.register(print, message, file=sys.stderr)
        return
    grids = [grid for grid in grids if f"{results}/grids/{grid}/points.csv" in current]
    command = [sys.executable, str(SCRIPTS / "muscan"), "limits", "--limits", limits, "--grids", *grids]
    command += ["--outdated", *(file for name in COMPANIONS if (file := f"{results}/{name}") not in current)]
    atexit.register(subprocess.run, command, cwd=os.getcwd(), check=False)


def show_limits_if_nothing_to_do(workflow, grids: list[str]) -> None:
    """Print the table of limits at the end of a run whose results are all up to date; not in a dry run."""
    logging.getLogger(LOGGER).addHandler(_NothingToDo(workflow, grids))


class _NothingToDo(logging.Handler):
    """Wait for Snakemake's message that nothing has to be done."""

    def __init__(self, workflow, grids: list[str]):
        super().__init__()
        self._workflow, self._grids = workflow, grids

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith(NOTHING_TO_DO) and not self._workflow.dryrun:
            show_limits(self._workflow.dag, self._grids, if_outdated=False)


def show_how_to_continue(dag, results: list[str]) -> None:
    """Print, when this process ends, what a run that failed or was stopped has not made, and how to continue it.

    Args:
        dag: the DAG of the run.
        results: the results of the configuration, in the order in which they are named.
    """
    steps = [job for job in dag.needrun_jobs(exclude_finished=False) if job.output]  # the rule `all` has none
    left = [job for job in steps if not dag.finished(job)]
    files = {str(file) for job in left for file in job.output}
    if files <= {VERDICT}:
        lines = [
            "All results are made, but some could not be determined, for the reasons above. After a correction, run the"
            " same command again: it makes only what changes."
        ]
    else:
        lines = list(existing_results.describe_missing([name for name in results if name in files]))
        lines.append(
            f"{len(left)} of {len(steps)} steps are left. Run the same command again to continue: it keeps what is"
            " finished. If a step failed, first correct what its message says."
        )
    for line in reversed(lines):  # what is registered last is printed first
        atexit.register(print, line, file=sys.stderr)
