"""Run Snakemake with muscan's workflow in a folder."""

import os
import subprocess
import sys
from pathlib import Path

from muscan.base.versions import ROOT


def run_snakemake(folder: str | Path, config: str | Path, *options: str, **settings) -> subprocess.CompletedProcess:
    """Run the workflow.

    Args:
        folder: the working folder of the run.
        config: a configuration file.
        options: further options of Snakemake.
        settings: arguments of `subprocess.run`, such as `capture_output`.

    Returns:
        the finished process; Snakemake may have failed.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--configfile", str(config), *options]
    # The jobs of rules use the Python interpreter of this process.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, env=environment, check=False, **settings)
