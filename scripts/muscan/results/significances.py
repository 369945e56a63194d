"""Significances of excesses in the plane of two labels of a signal grid: lines of evidence and of an observation.

Between the signal points, Z is interpolated as the heights of exclusion contours are, see `contours`.
"""

import numpy as np
import pandas as pd

from muscan.results import contours

LEVELS = (3, 5)  # standard deviations that by convention are evidence for a signal, and an observation of it
COLUMNS = {"observed": "Z_obs", "expected": "Z_exp"}


def shown_kinds(points: pd.DataFrame) -> list[str]:
    """Return the kinds of significances that may be shown: "observed" and "expected"; of blind analyses the latter."""
    return [*COLUMNS][contours.is_blinded(points) :]


def significance_lines(points: pd.DataFrame, x: str, y: str) -> dict[tuple[str, int], list[np.ndarray]]:
    """Return the lines on which Z has the LEVELS, in the plane of labels `x` and `y`.

    Returns:
        {(kind, level): polylines of shape (n, 2)}, for the kinds that may be shown. A list is empty if all or no points
        are above the level.

    Raises:
        InputError: if a label cannot be an axis or two signals are at the same place.
    """
    where = contours.places(points, x, y)
    surfaces = {kind: contours.surface(where, points[COLUMNS[kind]].to_numpy()) for kind in shown_kinds(points)}
    return {(kind, level): contours.level_lines(each, level) for kind, each in surfaces.items() for level in LEVELS}


def reason_for_no_line(z: np.ndarray, level: int) -> str:
    """Return why there is no line of a level between points with these significances, shape (n,)."""
    known = z[np.isfinite(z)]
    if not len(known):
        return "no values"
    if (known < level).all():
        return f"no point reaches {level}σ"
    return f"all points above {level}σ" if (known >= level).all() else "too few points for a line"


def method_text(points: pd.DataFrame) -> str:
    """Return how p0 was calculated, such as "asymptotics"."""
    return ", ".join(each for each in points["calculator"].unique() if each)
