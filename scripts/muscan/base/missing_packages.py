"""Say which package is missing and how to install it, where an import fails."""

import os
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[3] / "envs" / "requirements.txt"
OWN = ("muscan", "")  # modules that no package provides: a module of muscan that is missing is a defect
LOG = "--log"


def describe(error: BaseException) -> str | None:
    """Return what to install, in one line; None if the error does not tell that a package is not installed.

    Args:
        error: what an import or a query of a version raised.
    """
    name = (getattr(error, "name", None) or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or name in OWN:
        return None
    requirements = os.path.relpath(REQUIREMENTS)
    return f"the Python package {name} is not installed for {sys.executable}: pip install -r {requirements}"


def report(error: BaseException) -> bool:
    """Print what to install, if the error tells that a package is not installed, and return whether it does.

    The imports of a script fail before its messages go to the log file that its option `--log` names. The line is then
    written to this file as well.
    """
    line = describe(error)
    if line is None:
        return False
    print(f"failed: {line}", file=sys.stderr, flush=True)
    log = sys.argv[sys.argv.index(LOG) + 1] if LOG in sys.argv[:-1] else None
    if log and not (os.path.exists(log) and os.path.samestat(os.stat(log), os.fstat(2))):
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        Path(log).write_text(f"failed: {line}\n", encoding="utf-8")
    return True
