"""Points of a grid whose limits and CLs are known formulas of the masses."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import norm

from muscan.records.columns import CLS_COLUMNS, LIMIT_COLUMNS, Z_COLUMNS

ALL_LIMITS = (*LIMIT_COLUMNS, *(f"xsec_{name}" for name in LIMIT_COLUMNS))


FLUCTUATIONS = (0.5, -2, -1, 0, 1, 2)  # of the data, in standard deviations: observed and expected


GRID = [(float(m1), float(m2)) for m1 in range(200, 1001, 100) for m2 in range(0, 501, 50) if m2 <= m1 - 125]


ERROR = 0.2  # of the cross sections, relative


def plane(m1: float, m2: float) -> float:
    """log of the expected limit: 0 on a straight line."""
    return (m1 - 700) / 300 + (m2 - 100) / 250


def make_points(
    log_limit: Callable = plane, places: list[tuple] = GRID, spread: float = 0.2, cross_sections: bool = True
) -> pd.DataFrame:
    """A signal grid: the limits differ by `spread` in their logarithm for each standard deviation."""
    rows = []
    for m1, m2 in places:
        limits = np.exp(log_limit(m1, m2) + spread * np.array(FLUCTUATIONS))
        row = {"signal": f"s_{m1:g}_{m2:g}", "m1": m1, "m2": m2, "analysis": "a", "calculator": "asymptotics"}
        row |= {"confidence_level": 0.95, **dict(zip(LIMIT_COLUMNS, limits, strict=True)), "status": "ok"}
        row |= dict.fromkeys(CLS_COLUMNS, np.nan)
        cross_section = 10 * np.exp(-m1 / 150) if cross_sections else np.nan
        row |= {"cross_section": cross_section, "cross_section_error": ERROR * cross_section}
        row |= {"unit": "pb" if cross_sections else ""}
        row |= {f"xsec_{name}": cross_section * limit for name, limit in zip(LIMIT_COLUMNS, limits, strict=True)}
        row |= {"excluded": str(limits[0] < 1), "expected_excluded": str(limits[3] < 1), "reason": ""}
        rows.append(row)
    return pd.DataFrame(rows)


def lose(points: pd.DataFrame, m1: float, m2: float, columns: tuple[str, ...] = ALL_LIMITS) -> pd.DataFrame:
    """The same grid, with values missing at one point."""
    points = points.copy()
    points.loc[(points["m1"] == m1) & (points["m2"] == m2), [*columns]] = np.nan
    return points


SHIFTS = {
    "observed": 0.2 * 0.5,
    "expected": 0.0,
    "expected_m1": -0.2,
    "expected_p1": 0.2,
    "theory_m1": 0.1 - np.log(1 - ERROR),
    "theory_p1": 0.1 - np.log(1 + ERROR),
}


def with_cls(points: pd.DataFrame) -> pd.DataFrame:
    """CLs at mu = 1 of Gaussian measurements with these expected limits, and data 0.5 standard deviations high."""
    points = points.copy()
    width = points["expected"] / norm.isf(0.025)
    for name, sigma in zip(CLS_COLUMNS, FLUCTUATIONS, strict=True):
        points[name] = norm.cdf(sigma - 1 / width) / norm.cdf(sigma)
    return points


def without_limits(points: pd.DataFrame) -> pd.DataFrame:
    return points.assign(**dict.fromkeys(ALL_LIMITS, np.nan))


def with_significance(points: pd.DataFrame, observed: Callable, expected: Callable) -> pd.DataFrame:
    """The same grid with Z as functions of the masses, p0 as asymptotic formulae have it, and no bounds."""
    points = points.copy()
    for n, suffix in zip(range(-2, 3), ("_m2", "_m1", "", "_p1", "_p2"), strict=True):
        points[f"Z_exp{suffix}"] = expected(points["m1"], points["m2"]) + n
    points["Z_obs"] = np.maximum(observed(points["m1"], points["m2"]), 0)
    for name in Z_COLUMNS:
        points[name.replace("Z", "p0")] = norm.sf(points[name])
    points[["p0_obs_error", "p0_exp_error", "p0_obs_bound", "p0_exp_bound"]] = np.nan
    return points.assign(p0_status="ok")
