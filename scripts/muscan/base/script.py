"""Run a script or command: on one core, with a log file, and with a failure reported as one line.

Import this module before NumPy, which reads the number of threads when it is imported.
"""

from muscan.base.hand_over import INTERRUPTED  # first: a step server runs the script, if there is one

import argparse
import ctypes
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn

from muscan.base import missing_packages, seals
from muscan.base.errors import StepError
from muscan.base.words import printable_text

# A job has one core, and its results must not depend on the number of cores of the machine.
os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Parameters of glibc's mallopt (see malloc.h) and their values in bytes: the process keeps the memory of large arrays
# after they are freed. Otherwise the kernel zeroes the pages of each new array, a large part of the time of toys.
MALLOPT = {"M_MMAP_THRESHOLD": (-3, 1_000_000_000), "M_TRIM_THRESHOLD": (-1, 2_000_000_000)}
# Advice that is added to errors of the operating system.
HINTS = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), ". Nothing is lost: make room and run again")


def _report_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Report Ctrl-C and a missing package in one line, also while a script imports its modules.

    Everything else is reported as Python does.
    """
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    elif not missing_packages.report(error):
        sys.__excepthook__(kind, error, trace)


# Python calls this for an exception that nothing catches, and ends a process after Ctrl-C with the right exit code.
sys.excepthook = _report_end


def keep_memory() -> bool:
    """Keep freed memory in this process; return whether the C library supports this, as glibc does."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*each) == 1 for each in MALLOPT.values())


def run(main: Callable[[list[str]], int | None]) -> None:
    """Run the main function of a script, and exit with its result or a message.

    With `--log FILE`, all messages are written to that file, including those of libraries. Ctrl-C ends the script with
    one line and the exit code 130.

    Args:
        main: takes the other command line arguments, and returns the exit code.
    """
    parse = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parse.add_argument("--log", type=Path)
    args, rest = parse.parse_known_args()
    keep_memory()
    # A batch system sends SIGTERM before it kills a job; the exit removes incomplete files.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # shells let background jobs ignore it
        signal.signal(signal.SIGINT, _interrupt)
    try:
        if args.log:
            _redirect(args.log)
        sys.exit(main(rest))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except (StepError, seals.BrokenResult) as error:  # the message is sufficient, a traceback would hide it
        sys.exit(f"failed: {printable_text(str(error), keep=chr(10))}")
    except OSError as error:
        sys.exit(f"failed: {error}{HINTS.get(error.errno, '')}")
    except MemoryError as error:
        sys.exit(f"failed: not enough memory: {error}")


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Interrupt the script, without messages of the objects that were under construction."""
    sys.unraisablehook = lambda _: None
    raise KeyboardInterrupt


def _redirect(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
