"""Run the steps of a local run in forks of one interpreter, which imports NumPy and the library only once.

A run starts this server, which ends with it. Each step is a process of its own that does the same as its script in an
interpreter of its own.
"""

from muscan.base.hand_over import ADDRESS, LENGTH, SCRIPTS
from muscan.base.script import run

import argparse
import gc
import importlib
import os
import selectors
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple, NoReturn

from muscan.commands.parser import command_parser

MainFunction = Callable[[list[str]], int | None]
PATIENCE = 10.0  # seconds to wait for the rest of a request
# Environment variables that may differ between the server and a step, because Snakemake and the shell set them for each
# job. Others could change how an interpreter starts, its locale, or the kernels of the BLAS.
THREADS = {f"{library}_NUM_THREADS" for library in ("OMP", "GOTO", "OPENBLAS", "MKL")}
THREADS |= {"VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"}
SET_FOR_JOBS = THREADS | {"TMPDIR", "TMP", "TEMPDIR", "TEMP", "PWD", "OLDPWD", "SHLVL", "PS1", "_", ADDRESS}
STREAMS = 3  # standard input, output and error


class Request(NamedTuple):
    """A step that a process hands over, as `hand_over.request` describes it."""

    script: str
    folder: str
    arguments: list[str]  # the first is the path of the script
    environment: dict[str, str]


class Step(NamedTuple):
    """A step that runs."""

    process: int
    alive: int  # file descriptor that is closed on the other side when the process ends
    client: socket.socket  # of the process that handed the step over


class StepServer:
    """Forks a process for each step, and tells the client how it ended."""

    def __init__(self, listener: socket.socket, run_alive: int):
        """Serve the clients of a listening socket until the file descriptor `run_alive` is closed on the other side."""
        self._selector = selectors.DefaultSelector()
        self._watch(listener, partial(self._accept, listener))
        self._watch(run_alive, partial(self._leave, listener, run_alive))

    def serve(self) -> None:
        """Run steps until the run has ended, and the steps that it has started too."""
        while self._selector.get_map():
            for key, _ in self._selector.select():
                if key.fileobj in self._watched():  # what came before may have closed it
                    key.data()

    def _watched(self) -> list:
        return [key.fileobj for key in self._selector.get_map().values()]

    def _watch(self, file: int | socket.socket, react: Callable[[], None]) -> None:
        self._selector.register(file, selectors.EVENT_READ, react)

    def _leave(self, listener: socket.socket, run_alive: int) -> None:
        """Accept no more clients."""
        self._selector.unregister(run_alive)
        self._selector.unregister(listener)
        listener.close()

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        streams, content = receive(client)
        request = parse(content)
        main = main_function(request.script) if request and len(streams) == STREAMS else None
        if request is None or main is None:
            client.close()
        else:
            self._start(request, main, streams, client)
        for stream in streams:
            os.close(stream)

    def _start(self, request: Request, main: MainFunction, streams: list[int], client: socket.socket) -> None:
        alive, ends = os.pipe()
        process = os.fork()
        if not process:
            for file in self._watched():
                os.close(file if isinstance(file, int) else file.fileno())
            become(request, main, streams)
        os.close(ends)
        step = Step(process, alive, client)
        self._watch(alive, partial(self._report, step))
        self._watch(client, partial(self._stop, step))

    def _stop(self, step: Step) -> None:
        """Interrupt a step if its client says so; end it if the client is gone."""
        try:
            message = step.client.recv(1)
        except OSError:
            message = b""
        os.kill(step.process, signal.SIGINT if message else signal.SIGTERM)
        if not message:
            self._selector.unregister(step.client)

    def _report(self, step: Step) -> None:
        """Tell the client the exit code of a step that has ended; after a signal, that of a shell."""
        _, status = os.waitpid(step.process, 0)
        code = os.waitstatus_to_exitcode(status)
        self._selector.unregister(step.alive)
        os.close(step.alive)
        if step.client in self._watched():
            self._selector.unregister(step.client)
        with suppress(OSError):  # the client is gone
            step.client.sendall(bytes([code if code >= 0 else 128 - code]))
        step.client.close()


def receive(client: socket.socket) -> tuple[list[int], bytes]:
    """Return the file descriptors and the content that a client sends; no content if it is not complete."""
    client.settimeout(PATIENCE)
    streams, content, length = [], b"", 0
    with suppress(OSError):
        start, streams, _, _ = socket.recv_fds(client, LENGTH, STREAMS)
        length = int.from_bytes(start)
        while len(content) < length and (part := client.recv(length - len(content))):
            content += part
    return streams, content if len(content) == length else b""


def parse(content: bytes) -> Request | None:
    """Return the request with a content; None if it is not for this interpreter, this code and this environment."""
    parts = [os.fsdecode(part) for part in content.split(b"\0")]
    if parts[:2] != [sys.prefix, SCRIPTS]:
        return None
    script, folder, number, *rest = parts[2:]
    arguments = rest[: int(number)]
    environment = dict(each.split("=", 1) for each in rest[int(number) :])
    differences = {name for name, _ in environment.items() ^ os.environ.items()}
    return Request(script, folder, arguments, environment) if differences <= SET_FOR_JOBS else None


def main_function(script: str) -> MainFunction | None:
    """Return the main function of a script, with all that it needs imported; None if the import fails."""
    name = script.removesuffix(".py")
    if name not in sys.modules:
        try:
            importlib.import_module(name)
        except Exception:  # the client runs the script itself and reports what is wrong
            return None
        gc.collect()
        gc.freeze()  # forks share the memory of what was imported
    return sys.modules[name].main


def become(request: Request, main: MainFunction, streams: list[int]) -> NoReturn:
    """Turn this process into the one that would have run a script, and run its main function."""
    code = 1
    try:
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
            os.close(stream)
        os.environ.clear()
        os.environ.update(request.environment)
        os.chdir(request.folder)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = request.arguments
        run(main)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)  # without the clean-up of the server


def parser() -> argparse.ArgumentParser:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--listener", type=int, required=True, help="file descriptor of a listening socket")
    parse.add_argument("--folder", required=True, help="folder of the socket, which is removed at the end")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    # Ctrl-C reaches the clients, which say so; the run ends when its side of the standard input is closed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.pop(ADDRESS, None)
    try:
        StepServer(socket.socket(fileno=args.listener), sys.stdin.fileno()).serve()
    finally:  # a step that was forked ends without coming here
        shutil.rmtree(args.folder)
