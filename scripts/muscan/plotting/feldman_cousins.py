"""Draw feldman-Cousins intervals."""

from matplotlib.figure import Figure

from muscan.plotting import style
from muscan.plotting.registry import ScanFiles


def picture(files: ScanFiles) -> Figure:
    """Return the picture of a signal."""
    return style.placeholder("not written yet", files.title)
