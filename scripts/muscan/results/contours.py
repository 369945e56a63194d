"""Exclusion contours in the plane of two labels of a signal grid.

The height of a signal point is the logarithm of its upper limit on mu (`heights`), below zero where it is excluded; a
contour is where the interpolated height is 0. A missing limit is estimated from CLs at mu = 1, if that is known.

The interpolation is linear in each triangle of a Delaunay triangulation of the points in the unit square. Linear
contours pass only between an excluded and an allowed point, and a missing value has no effect outside its triangles.
Smooth interpolation, such as the cubics of Clough and Tocher, may bend contours where no point supports that.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.tri import TriAnalyzer, Triangulation
from scipy.spatial import Delaunay, QhullError

from muscan.base.errors import InputError
from muscan.inference.limits_from_cls import limits_from_cls
from muscan.records.columns import CLS_COLUMNS
from muscan.records.limits import BLINDED
from muscan.results.table_rows import POINTS, read_table

TEXTS = ("signal", "analysis", "calculator", "status", "unit", "p0_status", "excluded", "expected_excluded", "reason")
CONTOURS = {
    "observed": "observed_limit",
    "expected": "expected",
    "expected_m1": "expected_m1",
    "expected_p1": "expected_p1",
}
CLS = {"observed": "CLs_obs", "expected": "CLs_exp", "expected_m1": "CLs_exp_m1", "expected_p1": "CLs_exp_p1"}
THEORY = {"theory_m1": -1, "theory_p1": +1}
CLIP = 8.0  # largest size of a height: signals beyond are clearly excluded, or clearly allowed
# Ratio of the inner to the outer radius of a triangle, below which it is left out if it is at the hull; its height is
# then below 5 % of its length. Along an almost straight border, such as a kinematic limit, such triangles would connect
# points that are far apart.
FLAT = 0.01
DECIMALS = 9  # of coordinates in the unit square: the triangulation of a regular grid must not depend on rounding


def read_points(path: str | Path) -> pd.DataFrame:
    """Read the table of signal points.

    Only empty cells are missing values, as a signal may be called "NA". A label whose cells are all numbers becomes a
    column of numbers; otherwise it remains text.

    Raises:
        InputError: if a column of numbers contains anything else.
        WrongFileError, BrokenResult: as `read_table`.
    """
    read_table(path, POINTS)  # requires a table of signal points
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
    """Return the names of the labels: the columns between `signal` and `analysis`."""
    return list(points.columns[1 : points.columns.get_loc("analysis")])


def has_cross_sections(points: pd.DataFrame) -> bool:
    """Return whether a cross section is known for any point."""
    return bool(points["cross_section"].notna().any())


def units(points: pd.DataFrame) -> str:
    """Return the unit of the cross sections; an empty text if there are none."""
    return " or ".join(dict.fromkeys(unit for unit in points["unit"] if unit))


def is_blinded(points: pd.DataFrame) -> bool:
    """Return whether the points are of blind analyses, which have no observed limits.

    Either all analyses of a grid are blind, or none.
    """
    return bool(points["status"].str.startswith(BLINDED).any())


def shown_limit(points: pd.DataFrame) -> str:
    """Return which limit is written at the points: "observed", or "expected" for blind analyses."""
    return "expected" if is_blinded(points) else "observed"


def quantity(points: pd.DataFrame) -> str:
    """Return what determines the contours: "limit" (upper limits on mu), or "CLs" (at mu = 1) if no limit is known."""
    limits, cls = (points[[*each.values()]].notna().any(axis=None) for each in (CONTOURS, CLS))
    return "CLs" if cls and not limits else "limit"


def heights(points: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the heights of the points for each contour, shape (n,); nan where they are unknown.

    A height is the logarithm of a limit, which is estimated from CLs at mu = 1 if it is missing; it is below zero where
    a point is excluded. With the cross section one error up or down (theory_p1, theory_m1), a point is excluded if
    limit < 1 ± error / cross section. Estimated limits are not used there.
    """
    limits, estimates = _limits(points), _estimates(points)
    result = {key: np.where(np.isnan(limits[key]), estimates[key], limits[key]) for key in CONTOURS}
    if points["cross_section_error"].notna().any() and quantity(points) == "limit":
        relative = (points["cross_section_error"] / points["cross_section"]).to_numpy()
        for key, sign in THEORY.items():
            height = limits["observed"] - _log(1 + sign * relative)
            # The lowered cross section is not positive: there is nothing to exclude.
            result[key] = np.where((1 + sign * relative <= 0) & np.isfinite(limits["observed"]), CLIP, height)
    return _visible(result, points)


def estimated_heights(points: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return which heights are estimated from CLs at mu = 1, shape (n,), for each contour without cross sections."""
    limits, estimates = _limits(points), _estimates(points)
    return _visible({key: np.isnan(limits[key]) & np.isfinite(estimates[key]) for key in CONTOURS}, points)


def describe_basis(points: pd.DataFrame, *keys: str) -> str:
    """Describe from what contours are made: "upper limits on mu", "CLs at mu = 1", or both with numbers of points.

    Args:
        points: of the grid.
        keys: of the contours.
    """
    from_cls = np.any([each for key, each in estimated_heights(points).items() if key in keys], axis=0)
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


def _visible(heights: dict[str, np.ndarray], points: pd.DataFrame) -> dict[str, np.ndarray]:
    """The values of all contours; of blind analyses only those that need no observed limit."""
    hidden = ("observed", *THEORY) if is_blinded(points) else ()
    return {key: height for key, height in heights.items() if key not in hidden}


def _log(values: np.ndarray) -> np.ndarray:
    """The logarithm of positive values; nan for others."""
    return np.log(np.where(values > 0, values, np.nan))


def places(points: pd.DataFrame, *labels: str) -> np.ndarray:
    """Return the values of labels, shape (n, number of labels); nan where a signal does not have the label.

    Raises:
        InputError: if a label is unknown or not a number, or if two signals have the same values.
    """
    for name in labels:
        if name not in label_names(points):
            raise InputError(f"the signal points have no label {name!r}, only {', '.join(label_names(points))}")
        if not pd.api.types.is_numeric_dtype(points[name]):
            raise InputError(f"label {name!r} is not a number for every signal point: it cannot be an axis")
    require_distinct_labels(points, [*labels])
    return points[[*labels]].to_numpy(dtype=float)


def require_distinct_labels(points: pd.DataFrame, labels: list[str]) -> None:
    """Check that no two signals have the same values of the labels.

    Raises:
        InputError: if two have.
    """
    for values, same in points.dropna(subset=labels).groupby(labels):
        if len(same) > 1:
            where = ", ".join(f"{name} = {label_text(value)}" for name, value in zip(labels, values, strict=True))
            raise InputError(f"several signal points at {where}: {', '.join(map(repr, same['signal']))}")


def label_text(value: float | str) -> str:
    """Return the value of a label as text; "none" if a signal does not have it."""
    if isinstance(value, str):
        return value
    return "none" if np.isnan(value) else f"{value:.12g}"


def conditions_text(points: pd.DataFrame) -> str:
    """Return calculator and confidence level of the limits as text, such as "asymptotics, 95 % CL"."""
    levels = [f"{100 * level:.4g} %" for level in sorted(points["confidence_level"].dropna().unique())]
    return ", ".join([*points["calculator"].unique(), *levels]) + (" CL" if levels else "")


def surface(where: np.ndarray, *values: np.ndarray) -> tuple[Triangulation, list[np.ndarray]] | None:
    """Triangulate the points between which values can be interpolated.

    Triangles with a corner where a value is missing are left out. Nothing is extrapolated.

    Args:
        where: coordinates of the points, shape (n, 2).
        values: each of shape (n,), nan where missing.

    Returns:
        the triangulation, and the values at its points; None if no triangle is left.
    """
    placed = np.isfinite(where).all(axis=1)
    order = np.flatnonzero(placed)[
        np.lexsort(where[placed].T)
    ]  # the triangulation must not depend on the order of rows
    where, values = where[order], np.array(values)[:, order]
    known = np.isfinite(values).all(axis=0)
    triangles = _triangles(where)
    triangles = triangles[known[triangles].all(axis=1)]
    if not len(triangles):
        return None
    used, corners = np.unique(triangles, return_inverse=True)
    return Triangulation(*where[used].T, corners.reshape(-1, 3)), [*values[:, used]]


def _triangles(where: np.ndarray) -> np.ndarray:
    """The Delaunay triangulation without flat triangles at the hull, shape (m, 3); empty for points on a line."""
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


def contour_lines(points: pd.DataFrame, x: str, y: str) -> dict[str, list[np.ndarray]]:
    """Return the exclusion contours in the plane of labels `x` and `y`.

    Returns:
        a list of polylines of shape (n, 2) for each of observed, expected, expected_m1 and expected_p1, and with cross
        sections also theory_m1 and theory_p1. A list is empty if nothing or everything is excluded. A closed polyline
        ends at its first point.

    Raises:
        InputError: if a label cannot be an axis or two signals are at the same place.
    """
    where = places(points, x, y)
    return {key: level_lines(surface(where, values), 0.0) for key, values in heights(points).items()}


def level_lines(interpolated: tuple[Triangulation, list[np.ndarray]] | None, level: float) -> list[np.ndarray]:
    """Return the lines on which interpolated values have a level, as polylines of shape (n, 2).

    Args:
        interpolated: what `surface` returns of the values; without a surface there are no lines.
        level: the value on the lines.
    """
    if interpolated is None:
        return []
    plane, (values,) = interpolated
    if not values.min() < level < values.max():
        return []
    return Figure().add_subplot().tricontour(plane, values, levels=[level]).allsegs[0]
