"""Variables and tables of submissions to HEPData: values with bands, marks of missing values, qualifiers."""

import re

import numpy as np
import pandas as pd
from hepdata_lib import Table, Uncertainty, Variable

from muscan.base.errors import InputError
from muscan.results import contours

MISSING = "-"  # mark of HEPData for a missing value
DIGITS = 6  # significant digits of results
EXACT = 15  # significant digits of values from the user
METHODS = {"asymptotics": "asymptotic formulae", "toybased": "toys"}
BANDS = {"1 sigma": ("m1", "p1"), "2 sigma": ("m2", "p2")}
NUMBER = r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?"
RANGE = re.compile(rf"{NUMBER}\s*-\s*{NUMBER}$")  # a name such as 900-300, which HEPData reads as a bin and rejects


def with_missing_marks(values: pd.Series) -> list:
    """Return the values of a column, with a mark for missing ones."""
    if values.dtype == float:
        return [value if np.isfinite(value) else MISSING for value in values.tolist()]
    return [value or MISSING for value in values]


def independent_variable(name: str, values: list, unit: str = "", digits: int = EXACT) -> Variable:
    """Return an independent variable of a table.

    Texts that look like a range are preceded by the name of the variable.
    """
    values = [f"{name} {each}" if isinstance(each, str) and RANGE.match(each) else each for each in values]
    variable = Variable(name, is_binned=False, values=values, units=unit)
    variable.digits = digits
    return variable


def dependent_variable(name: str, values: list, unit: str = "", qualifiers: dict | None = None) -> Variable:
    """Return a dependent variable of a table, with qualifiers such as {"Method": "toys"}."""
    variable = Variable(name, is_independent=False, is_binned=False, values=values, units=unit)
    variable.zero_uncertainties_warning = False  # hepdata_lib would warn of missing values, too
    variable.digits = DIGITS
    for qualifier, value in (qualifiers or {}).items():
        variable.add_qualifier(qualifier, value)
    return variable


def band_uncertainty(points: pd.DataFrame, median: str, label: str) -> Uncertainty:
    """Return the distances from the median to the edges of a band; none where the median or an edge is missing.

    Args:
        points: of the grid.
        median: column of the median; those of the edges begin with its name.
        label: a key of BANDS.
    """
    edges = points[[f"{median}_{edge}" for edge in BANDS[label]]]
    distances = np.sort(edges.sub(points[median], axis=0).to_numpy(), axis=1)  # downwards first: p0 falls where Z rises
    uncertainty = Uncertainty(label, is_symmetric=False)
    uncertainty.values = distances
    for i in np.flatnonzero(~np.isfinite(distances).all(axis=1)):
        uncertainty.values[i] = None  # hepdata_lib leaves out None, but does not accept it in the assignment above
    return uncertainty


def common_value(points: pd.DataFrame, column: str) -> float | str:
    """Return the value of a column that all points have in common.

    Raises:
        InputError: if there is none: a table has one confidence level and one unit.
    """
    values = points[column].dropna().unique()
    if len(values) != 1:
        found = ", ".join(map(repr, values.tolist())) or "none"
        raise InputError(f"column {column!r}: one value is needed for all points of a grid, found {found}")
    return values[0]


def distinct_texts(points: pd.DataFrame, column: str) -> list[str]:
    """Return the distinct texts of a column, sorted."""
    return sorted(set(points[column]) - {""})


def method_text(points: pd.DataFrame) -> str:
    """Return the methods of the limits, such as "asymptotic formulae"."""
    return " and ".join(METHODS.get(each, each) for each in distinct_texts(points, "calculator"))


def level_text(points: pd.DataFrame) -> str:
    """Return the confidence level of the limits, such as "95 %"."""
    return f"{100 * common_value(points, 'confidence_level'):.10g} %"


def qualifiers(points: pd.DataFrame, kind: str, *, with_level: bool = True) -> dict[str, str]:
    """Return the qualifiers of a result.

    Args:
        points: of the grid.
        kind: "observed" or "expected".
        with_level: whether the result has a confidence level.
    """
    texts = {"Result": kind, "Method": method_text(points)}
    return texts | {"Confidence level": level_text(points)} if with_level else texts


def result_variables(
    points: pd.DataFrame, columns: tuple[str, str], name: str, unit: str = "", *, with_level: bool = True
) -> list[Variable]:
    """Return the observed and the expected values of a result, the latter with their bands.

    Args:
        points: of the grid. The observed values of blind analyses are left out.
        columns: names of the columns of the observed and of the median expected values.
        name: of the result.
        unit: of the result.
        with_level: whether the result has a confidence level.
    """
    both = [
        dependent_variable(
            f"{kind.capitalize()} {name}",
            with_missing_marks(points[column]),
            unit,
            qualifiers(points, kind, with_level=with_level),
        )
        for kind, column in zip(("observed", "expected"), columns, strict=True)
    ]
    for label in BANDS:
        both[1].add_uncertainty(band_uncertainty(points, columns[1], label))
    return both[contours.is_blinded(points) :]


def choice_variables(points: pd.DataFrame) -> list[Variable]:
    """Return the analysis and the method of the results, if they differ between points."""
    columns = {"analysis": "Analysis with the best expected limit", "calculator": "Method"}
    return [
        dependent_variable(
            name, with_missing_marks(points[column].replace(METHODS) if column == "calculator" else points[column])
        )
        for column, name in columns.items()
        if len(distinct_texts(points, column)) > 1
    ]


def make_table(name: str, description: str, variables: list[Variable], observable: str | None = "CLS") -> Table:
    """Return a table of a submission, with the keyword of HEPData for its observable if there is one."""
    result = Table(name)
    result.description = description
    result.location = ""  # the figure or table of the paper, which is not known here
    result.keywords = {"observables": [observable]} if observable else {}
    for variable in variables:
        result.add_variable(variable)
    return result
