"""Start the server that runs the steps of a local run without a new interpreter for each."""

from muscan.base.hand_over import ADDRESS

import os
import shutil
import socket
import subprocess
import sys
import tempfile

from muscan.base.code import SCRIPTS

OFF = "off"  # instead of the address of a server

_started: list[subprocess.Popen] = []  # at most one for this process, which ends when this process does


def start(workflow) -> None:
    """Start a step server for the steps that run on this machine, unless they need an interpreter of their own.

    Conda and containers have other interpreters, and benchmarks measure the children of a job. Jobs on a cluster do not
    see this server, because Snakemake starts there again. With `MUSCAN_STEP_SERVER=off` in the environment there is
    none.

    Args:
        workflow: of Snakemake.
    """
    if _started:
        return
    given = os.environ.pop(ADDRESS, None)  # perhaps the server of another run that has started this one
    if given == OFF or not workflow.is_main_process or not hasattr(socket, "send_fds"):
        return
    if workflow.deployment_settings.deployment_method or workflow.output_settings.benchmark_extended:
        return
    folder = tempfile.mkdtemp(prefix="muscan-")  # for this user only
    address = os.path.join(folder, "steps")
    command = [sys.executable, str(SCRIPTS / "muscan"), "serve", "--folder", folder, "--listener"]
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen()
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
