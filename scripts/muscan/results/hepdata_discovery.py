"""Tables of p0 and Z of an excess in submissions to HEPData."""

import numpy as np
import pandas as pd
from hepdata_lib import Table, Uncertainty, Variable

from muscan.config.settings import TOYBASED
from muscan.records.columns import P0_COLUMNS
from muscan.results.hepdata_variables import (
    MISSING,
    choice_variables,
    dependent_variable,
    make_table,
    method_text,
    qualifiers,
    result_variables,
    with_missing_marks,
)
from muscan.results.significances import shown_kinds

BOUND_LEVEL = "95 %"  # confidence level of upper bounds from toys
WITH_BOUNDS = "It also marks the values of which only a bound is known."
NOTE = (
    "The errors of an expected value are the distances from the median to the values at 1 and 2 sigma for data with a "
    f"signal of mu = 1. '{MISSING}' marks a missing value."
)


def has_significances(points: pd.DataFrame) -> bool:
    """Return whether p0, or a bound of it, is known for any point."""
    columns = [name for name in (*P0_COLUMNS, "p0_obs_bound", "p0_exp_bound") if name in points]
    return bool(points[columns].notna().any(axis=None))


def significance_tables(points: pd.DataFrame, grid: str, labels: list[Variable]) -> list[Table]:
    """Return the tables of p0 and of Z.

    Args:
        points: of the grid.
        grid: its name.
        labels: of the points, as variables.
    """
    bounds = bound_variables(points)
    p0 = result_variables(points, ("p0_obs", "p0_exp"), "local p0", with_level=False)
    for variable, kind in zip(p0, shown_kinds(points), strict=True):
        add_statistical_error(variable, points[f"p0_{kind[:3]}_error"])
    made = {
        "Local p0": (
            "Local p0, the probability of data that look at least as much like the signal if there is none,",
            p0 + bounds,
        ),
        "Local significance": (
            "Significance Z of an excess, p0 in standard deviations of a normal distribution,",
            result_variables(points, ("Z_obs", "Z_exp"), "local significance", with_level=False),
        ),
    }
    about = f"for the signals of the grid {grid}, from {method_text(points)}. {NOTE}"
    about += f" {WITH_BOUNDS}" if bounds else ""
    return [
        make_table(name, f"{what} {about}", [*labels, *variables, *choice_variables(points)], observable=None)
        for name, (what, variables) in made.items()
    ]


def add_statistical_error(variable: Variable, errors: pd.Series) -> None:
    """Add the statistical errors of values from toys; nothing if there are none."""
    if errors.notna().any():
        statistical = Uncertainty("statistical")
        statistical.values = [each if np.isfinite(each) else None for each in errors]
        variable.add_uncertainty(statistical)


def bound_variables(points: pd.DataFrame) -> list[Variable]:
    """Return the upper bounds of p0 where it is missing, if there are any."""
    level = {"Confidence level": BOUND_LEVEL} if (points["calculator"] == TOYBASED).any() else {}
    return [
        dependent_variable(
            f"Upper bound of the {kind} local p0",
            with_missing_marks(bounds),
            qualifiers=qualifiers(points, kind, with_level=False) | level,
        )
        for kind in shown_kinds(points)
        if (bounds := points[f"p0_{kind[:3]}_bound"]).notna().any()
    ]
