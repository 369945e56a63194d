"""Exclusion contours in the plane of two labels of a signal grid.

The height of a signal point is the logarithm of its upper limit on mu (`heights`), below zero where it is excluded; a
contour is where the interpolated height is 0. A missing limit is estimated from CLs at mu = 1, if that is known.

The interpolation is linear in each triangle of a Delaunay triangulation of the points in the unit square. For the 89
inner points of the ATLAS 1Lbb search, left out one by one, log(observed limit) has a median error of 0.09 and a root
mean square of 0.24; with the smooth cubics of Clough and Tocher it is 0.11 and 0.23. Their contours have bends that no
point supports. Linear contours pass only between points that differ in being excluded, and a missing value has no
effect outside of its triangles.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.tri import TriAnalyzer, Triangulation
from scipy.spatial import Delaunay, QhullError

from muscan.base import seals
from muscan.base.errors import InputError
from muscan.inference.limits_from_cls import limits_from_cls
from muscan.records.columns import CLS_COLUMNS
from muscan.records.limits import BLINDED

TEXTS = ("signal", "analysis", "calculator", "status", "unit", "excluded", "expected_excluded", "reason")
CONTOURS = {
    "observed": "observed_limit",
    "expected": "expected",
    "expected_m1": "expected_m1",
    "expected_p1": "expected_p1",
}
CLS = {"observed": "CLs_obs", "expected": "CLs_exp", "expected_m1": "CLs_exp_m1", "expected_p1": "CLs_exp_p1"}
THEORY = {"theory_m1": -1, "theory_p1": +1}
CLIP = 8.0  # logarithm of a limit: what is beyond is excluded, or allowed, without doubt
# Inner over outer radius of a triangle. Flatter ones at the hull, their height below 5 % of their length, are left out:
# in dents of an almost straight border, as at a kinematic limit, they would join points that are far apart.
FLAT = 0.01
DECIMALS = 9  # of places in the unit square: the triangulation of a regular grid must not depend on rounding


def read_points(path: str | Path) -> pd.DataFrame:
    """The table of signal points. A signal may be called "NA": only empty cells of numbers are missing.

    Labels are numbers where all their cells are; otherwise they stay text.
    """
    seals.require_intact(path)
    points = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in points.columns.difference(TEXTS):
        try:
            points[column] = points[column].replace("", "nan").astype(float)
        except ValueError:
            if column in label_names(points):
                continue
            raise InputError(f"{path}: column {column!r} is not a number in every row") from None
    return points


def label_names(points: pd.DataFrame) -> list[str]:
    """The columns between signal and analysis."""
    return list(points.columns[1 : points.columns.get_loc("analysis")])


def has_cross_sections(points: pd.DataFrame) -> bool:
    return bool(points["cross_section"].notna().any())


def units(points: pd.DataFrame) -> str:
    """The unit of the cross sections; empty if there are none."""
    return " or ".join(dict.fromkeys(unit for unit in points["unit"] if unit))


def is_blinded(points: pd.DataFrame) -> bool:
    """Whether the points are of blind analyses, which have no observed limits; a grid has only such, or none."""
    return bool(points["status"].str.startswith(BLINDED).any())


def shown_limit(points: pd.DataFrame) -> str:
    """The limit whose number stands at a point: the observed one, or the expected one of blind analyses."""
    return "expected" if is_blinded(points) else "observed"


def quantity(points: pd.DataFrame) -> str:
    """On what the contours rest: "limit", upper limits on mu; "CLs", CLs at mu = 1, where no limit is known."""
    limits, cls = (points[[*each.values()]].notna().any(axis=None) for each in (CONTOURS, CLS))
    return "CLs" if cls and not limits else "limit"


def heights(points: pd.DataFrame) -> dict[str, np.ndarray]:
    """For each contour the height of each point, below zero where it is excluded, shape (n,); nan where missing.

    The logarithm of the limit: of a missing one as estimated from CLs at mu = 1. A cross section one error up or down
    (theory_p1, theory_m1) excludes where limit < 1 ± error / cross section; an estimate does not tell where that is.
    """
    limits, estimates = _limits(points), _estimates(points)
    result = {key: np.where(np.isnan(limits[key]), estimates[key], limits[key]) for key in CONTOURS}
    if points["cross_section_error"].notna().any() and quantity(points) == "limit":
        relative = (points["cross_section_error"] / points["cross_section"]).to_numpy()
        for key, sign in THEORY.items():
            height = limits["observed"] - _log(1 + sign * relative)
            # No cross section is left to exclude.
            result[key] = np.where((1 + sign * relative <= 0) & np.isfinite(limits["observed"]), CLIP, height)
    return _shown(result, points)


def estimated(points: pd.DataFrame) -> dict[str, np.ndarray]:
    """For each contour that needs no cross sections, which heights are estimated from CLs at mu = 1, shape (n,)."""
    limits, estimates = _limits(points), _estimates(points)
    return _shown({key: np.isnan(limits[key]) & np.isfinite(estimates[key]) for key in CONTOURS}, points)


def basis(points: pd.DataFrame, *keys: str) -> str:
    """On what contours rest, in words: "upper limits on mu", "CLs at mu = 1", or the number of points of the latter."""
    from_cls = np.any([each for key, each in estimated(points).items() if key in keys], axis=0)
    known = np.any([np.isfinite(each) for key, each in heights(points).items() if key in keys], axis=0)
    if not from_cls.any():
        return "upper limits on mu"
    of_all = "" if (from_cls == known).all() else f" at {from_cls.sum()} of {known.sum()} points"
    return f"{'upper limits on mu, ' if of_all else ''}CLs at mu = 1{of_all}"


def _limits(points: pd.DataFrame) -> dict[str, np.ndarray]:
    """Logarithms of the limits, nan where they are missing."""
    return {key: _log(points[column].to_numpy()) for key, column in CONTOURS.items()}


def _estimates(points: pd.DataFrame) -> dict[str, np.ndarray]:
    """Logarithms of the limits that are estimated from CLs at mu = 1, nan where CLs is missing."""
    cls = points[[*CLS_COLUMNS]].to_numpy()
    observed, expected = limits_from_cls(cls[:, 0], cls[:, 1:], 1 - points["confidence_level"].to_numpy())
    limits = dict(zip(CLS_COLUMNS, np.column_stack([observed, expected]).T, strict=True))
    return {key: np.clip(_log(limits[column]), -CLIP, CLIP) for key, column in CLS.items()}


def _shown(heights: dict[str, np.ndarray], points: pd.DataFrame) -> dict[str, np.ndarray]:
    """Those that do not rest on observed limits, if there are none."""
    hidden = ("observed", *THEORY) if is_blinded(points) else ()
    return {key: height for key, height in heights.items() if key not in hidden}


def _log(values: np.ndarray) -> np.ndarray:
    """The logarithm; nan where there is none."""
    return np.log(np.where(values > 0, values, np.nan))


def places(points: pd.DataFrame, *labels: str) -> np.ndarray:
    """The values of the labels, shape (n, number of labels); nan where a signal does not have the label.

    Raises:
        InputError: if a label is unknown or no number, or if two signals are at the same place.
    """
    for name in labels:
        if name not in label_names(points):
            raise InputError(f"the signal points have no label {name!r}, only {', '.join(label_names(points))}")
        if not pd.api.types.is_numeric_dtype(points[name]):
            raise InputError(f"label {name!r} is not a number for every signal point: it cannot be an axis")
    only_once(points, [*labels])
    return points[[*labels]].to_numpy(dtype=float)


def only_once(points: pd.DataFrame, labels: list[str]) -> None:
    """Raise an InputError if two signals have the same values of the labels."""
    for values, same in points.dropna(subset=labels).groupby(labels):
        if len(same) > 1:
            where = ", ".join(f"{name} = {label_text(value)}" for name, value in zip(labels, values, strict=True))
            raise InputError(f"several signal points at {where}: {', '.join(map(repr, same['signal']))}")


def label_text(value: float | str) -> str:
    """The value of a label as it is written in names and texts; "none" where a signal does not have it."""
    if isinstance(value, str):
        return value
    return "none" if np.isnan(value) else f"{value:.12g}"


def conditions(points: pd.DataFrame) -> str:
    """Calculator and confidence level of the limits, such as "asymptotics, 95 % CL"."""
    levels = [f"{100 * level:.4g} %" for level in sorted(points["confidence_level"].dropna().unique())]
    return ", ".join([*points["calculator"].unique(), *levels]) + (" CL" if levels else "")


def surface(where: np.ndarray, *values: np.ndarray) -> tuple[Triangulation, list[np.ndarray]] | None:
    """The triangles in which values can be interpolated.

    Triangles that have a corner where a value is missing are left out, and so is all that is outside of the points.

    Args:
        where: places, shape (n, 2).
        values: each of shape (n,), nan where missing.

    Returns:
        The triangulation and each of the values at its points; None if no triangle is left.
    """
    here = np.isfinite(where).all(axis=1)
    order = np.flatnonzero(here)[np.lexsort(where[here].T)]  # the triangulation must not depend on the order of rows
    where, values = where[order], np.array(values)[:, order]
    known = np.isfinite(values).all(axis=0)
    triangles = _triangles(where)
    triangles = triangles[known[triangles].all(axis=1)]
    if not len(triangles):
        return None
    used, corners = np.unique(triangles, return_inverse=True)
    return Triangulation(*where[used].T, corners.reshape(-1, 3)), [*values[:, used]]


def _triangles(where: np.ndarray) -> np.ndarray:
    """The Delaunay triangulation without flat triangles at the hull, shape (m, 3); none if all are on one line."""
    none = np.empty((0, 3), dtype=int)
    if len(where) < 3 or not np.ptp(where, axis=0).all():
        return none
    unit = np.round((where - where.min(axis=0)) / np.ptp(where, axis=0), DECIMALS)
    try:
        triangles = Delaunay(unit).simplices
    except QhullError:
        return none
    flat = TriAnalyzer(Triangulation(*unit.T, triangles)).get_flat_tri_mask(FLAT, rescale=False)
    return triangles[~flat]


def curves(points: pd.DataFrame, x: str, y: str) -> dict[str, list[np.ndarray]]:
    """The exclusion contours in the plane of labels `x` and `y`.

    Returns:
        For observed, expected, expected_m1, expected_p1, and with cross sections theory_m1 and theory_p1, a list of
        polylines, each of shape (n, 2). The list is empty where nothing or everything is excluded. The last point of
        a closed one is its first.

    Raises:
        InputError: if a label cannot be an axis or two signals are at the same place.
    """
    where = places(points, x, y)
    return {key: _contour(surface(where, values)) for key, values in heights(points).items()}


def _contour(interpolated: tuple[Triangulation, list[np.ndarray]] | None) -> list[np.ndarray]:
    if interpolated is None:
        return []
    plane, (values,) = interpolated
    if not values.min() < 0 < values.max():
        return []
    return Figure().add_subplot().tricontour(plane, values, levels=[0]).allsegs[0]
