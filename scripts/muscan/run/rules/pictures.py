"""What the rules of pictures ask."""

from collections.abc import Callable

from muscan.plotting.registry import READS
from muscan.run.rules.wildcards import Wildcards


def drawn_from(kind: str) -> Callable[[Wildcards], bool]:
    """Return whether a picture of a scan is drawn from a kind of results, as a function of the wildcards.

    Args:
        kind: a field of `plotting.registry.ScanFiles`.
    """
    return lambda wildcards: kind in READS[wildcards.plot]
