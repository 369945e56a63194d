"""How a script runs: on one core, with a log, and a failure as one line.

To be imported before NumPy, which looks once at how many threads it may have.
"""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from muscan.base import seals
from muscan.base.errors import StepError
from muscan.base.words import printable

# A job has one core, and its numbers must not depend on how many the machine has.
os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# What to do, behind what the system says of a file.
HINTS = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), ". Nothing is lost: make room and run again")


def run(main: Callable[[list[str]], int | None]) -> None:
    """Run a script. With `--log FILE` all its messages go to that file, those of the libraries it uses included."""
    parse = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parse.add_argument("--log", type=Path)
    args, rest = parse.parse_known_args()
    # A batch system that ends a job says so first: what is half written is then removed.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        if args.log:
            _redirect(args.log)
        sys.exit(main(rest))
    except (StepError, seals.BrokenResult) as error:  # the message says all, a traceback would hide it
        sys.exit(f"failed: {printable(str(error), but=chr(10))}")
    except OSError as error:
        sys.exit(f"failed: {error}{HINTS.get(error.errno, '')}")
    except MemoryError as error:
        sys.exit(f"failed: the memory does not suffice: {error}")


def _redirect(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
