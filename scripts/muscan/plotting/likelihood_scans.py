"""Draw scans of the likelihood."""

from muscan.plotting import style
from muscan.plotting.registry import ScanFiles

PLACEHOLDER = "scans", "There are no scans."


def pictures(files: ScanFiles):
    """Yield the pictures of a signal."""
    yield "scan", style.placeholder("not written yet", files.title)
