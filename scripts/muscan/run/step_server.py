"""Start the server that runs the steps of a local run without a new interpreter for each."""

from muscan.base.hand_over import ADDRESS

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from muscan.base.code import SCRIPTS

OFF = "off"  # instead of the address of a server
PREFIX, SOCKET = "muscan-steps-", "socket"  # names of a server's temporary folder, and of its socket there

_started: list[subprocess.Popen] = []  # at most one for this process, which ends when this process does


def start(workflow) -> None:
    """Start a step server for the steps that run on this machine, unless they need an interpreter of their own.

    Conda and containers have other interpreters, and benchmarks measure the children of a job. Jobs on a cluster do not
    see this server, because Snakemake starts there again. With `MUSCAN_STEP_SERVER=off` in the environment there is
    none. Only on Linux is a fork of a process that has imported NumPy known to be safe.

    Args:
        workflow: of Snakemake.
    """
    if _started:
        return
    given = os.environ.pop(ADDRESS, None)  # perhaps the server of another run that has started this one
    if given == OFF or not workflow.is_main_process or sys.platform != "linux":
        return
    if workflow.deployment_settings.deployment_method or workflow.output_settings.benchmark_extended:
        return
    try:
        _remove_leftovers()
        folder = tempfile.mkdtemp(prefix=PREFIX)  # for this user only
    except OSError:
        return
    address = os.path.join(folder, SOCKET)
    command = [sys.executable, str(SCRIPTS / "muscan"), "serve", "--folder", folder, "--listener"]
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{address}.new")
            listener.listen()
            os.rename(f"{address}.new", address)  # with this name somebody listens, or the server was killed
            number = listener.fileno()
            server = subprocess.Popen(
                [*command, str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[number],
                start_new_session=True,
                env=dict(os.environ),  # as for jobs: without what libraries written in C have set
            )
    except OSError:  # for example because the path of the folder is too long for a socket
        shutil.rmtree(folder)
        return
    _started.append(server)
    os.environ[ADDRESS] = address


def _remove_leftovers() -> None:
    """Remove the folders of servers that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(folder / SOCKET))
            except ConnectionRefusedError:  # nobody listens
                shutil.rmtree(folder, ignore_errors=True)
            except OSError:  # of another user, or not complete yet
                pass
