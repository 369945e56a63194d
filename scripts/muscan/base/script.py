"""How a script runs: on one core, with a log, and a failure as one line.

Import this module before NumPy, which reads the number of its threads only once.
"""

import argparse
import ctypes
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from muscan.base import seals
from muscan.base.errors import StepError
from muscan.base.words import printable_text

# A job has one core, and its numbers must not depend on how many the machine has.
os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Parameters of glibc's mallopt, malloc.h, and bytes: large arrays that come and go stay with the process. Otherwise the
# kernel zeroes their pages each time: of 9 s for toys of the 1Lbb likelihood it then takes 2.5 s, instead of 0.1 s.
MALLOPT = {"M_MMAP_THRESHOLD": (-3, 1_000_000_000), "M_TRIM_THRESHOLD": (-1, 2_000_000_000)}
# What to do, behind what the system says of a file.
HINTS = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), ". Nothing is lost: make room and run again")


def keep_memory() -> bool:
    """Let freed memory stay with this process; return whether the C library can do that: glibc can."""
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*each) == 1 for each in MALLOPT.values())


def run(main: Callable[[list[str]], int | None]) -> None:
    """Run a script. With `--log FILE` all its messages go to that file, those of the libraries it uses included."""
    parse = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parse.add_argument("--log", type=Path)
    args, rest = parse.parse_known_args()
    keep_memory()
    # A batch system that ends a job says so first: what is half written is then removed.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        if args.log:
            _redirect(args.log)
        sys.exit(main(rest))
    except (StepError, seals.BrokenResult) as error:  # the message says all, a traceback would hide it
        sys.exit(f"failed: {printable_text(str(error), keep=chr(10))}")
    except OSError as error:
        sys.exit(f"failed: {error}{HINTS.get(error.errno, '')}")
    except MemoryError as error:
        sys.exit(f"failed: the memory does not suffice: {error}")


def _redirect(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
