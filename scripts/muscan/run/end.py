"""The end of a run: what is said when Snakemake has said its last word, which a progress bar would hide otherwise."""

import atexit
import os
import subprocess
import sys

from muscan.base.code import SCRIPTS
from muscan.run import start

LIMITS = "results/limits.csv"


def show_limits(grids: list[str]) -> None:
    """Print the table of limits when this process ends, if there is one.

    Args:
        grids: names of the grids of signals, of which a line each is printed.
    """
    command = [sys.executable, str(SCRIPTS / "muscan"), "limits", "--limits", LIMITS, "--grids", *grids]
    if os.path.exists(LIMITS):
        atexit.register(subprocess.run, command, cwd=os.getcwd(), check=False)


def show_what_is_missing(results: list[str]) -> None:
    """Say when this process ends which results are not there, and why none could be written if the disk is full."""
    for message in start.missing(results):
        atexit.register(print, message, file=sys.stderr)
