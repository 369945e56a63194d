"""Values for the rules of pictures."""

from collections.abc import Callable

from muscan.plotting.registry import READS
from muscan.run.rules.wildcards import Wildcards


def drawn_from(kind: str) -> Callable[[Wildcards], bool]:
    """Return a function of the wildcards that tells whether a picture is drawn from one kind of results.

    Args:
        kind: a field of `plotting.registry.ScanFiles`.
    """
    return lambda wildcards: kind in READS[wildcards.plot]
