"""The end of a run: messages that are printed when the process ends, because a progress bar would hide them before."""

import atexit
import os
import subprocess
import sys

from muscan.base.code import SCRIPTS
from muscan.run import existing_results

LIMITS = "results/limits.csv"


def show_limits(grids: list[str]) -> None:
    """Print the table of limits when this process ends, if the table exists.

    Args:
        grids: names of the grids of signals; a line is printed for each.
    """
    command = [sys.executable, str(SCRIPTS / "muscan"), "limits", "--limits", LIMITS, "--grids", *grids]
    if os.path.exists(LIMITS):
        atexit.register(subprocess.run, command, cwd=os.getcwd(), check=False)


def show_missing_results(results: list[str]) -> None:
    """Print when this process ends which of the `results` are missing, and whether the disk is full."""
    for message in existing_results.describe_missing(results):
        atexit.register(print, message, file=sys.stderr)
