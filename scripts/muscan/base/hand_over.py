"""Hand a step over to the step server of a run, which has imported what the step needs.

Importing this module hands over the script that Python was started with, and ends the process with the step's exit
code. Without a server, or if the server does not take the step, the import does nothing, and the script runs here.
"""

import os
import sys

ADDRESS = "MUSCAN_STEP_SERVER"  # environment variable: the path of the server's socket
INTERRUPT = b"i"  # message to the server: the step is interrupted
INTERRUPTED = 130  # the exit code of an interrupted process, by convention
LENGTH = 8  # bytes of the number that states the length of a request
SCRIPTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def script_of_this_process() -> str | None:
    """Return the name of the script of a step that Python was started with; None if it was started in another way."""
    folder, name = os.path.split(os.path.abspath(getattr(sys.modules["__main__"], "__file__", None) or ""))
    return name if folder == SCRIPTS else None


def request(script: str) -> bytes:
    """Return what the server needs to run a script as if it were this process."""
    environment = [f"{name}={value}" for name, value in os.environ.items()]
    parts = [sys.prefix, SCRIPTS, script, os.getcwd(), str(len(sys.argv)), *sys.argv, *environment]
    return b"\0".join(map(os.fsencode, parts))


def hand_over(address: str, script: str) -> int | None:
    """Let a server run a script with the arguments, environment, folder and standard streams of this process.

    Args:
        address: the path of the server's socket.
        script: the name of a script in the folder `scripts`.

    Returns:
        the exit code of the script; None if the server did not run it to its end.
    """
    import socket  # takes several milliseconds

    interrupted = False
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(address)
            content = request(script)
            socket.send_fds(server, [len(content).to_bytes(LENGTH)], [0, 1, 2])
            server.sendall(content)
            while True:
                try:
                    code = server.recv(1)
                    break
                except KeyboardInterrupt:
                    interrupted = True
                    server.sendall(INTERRUPT)
    except OSError:
        code = b""
    if code:
        return code[0]
    return INTERRUPTED if interrupted else None


if ADDRESS in os.environ:
    _script = script_of_this_process()
    try:
        _code = hand_over(os.environ[ADDRESS], _script) if _script else None
    except KeyboardInterrupt:  # before the server has taken the step
        print("interrupted", file=sys.stderr)
        _code = INTERRUPTED
    if _code is not None:
        os._exit(_code)  # nothing to clean up, and quicker than `sys.exit`
