"""Write the limits of a grid of signals as a submission to HEPData.

Reads points.csv, writes a folder with submission.yaml and a YAML file for each table: upper limits on the signal
strength mu, CLs at mu = 1, upper limits on the cross section, and the exclusion contours in the plane of two labels.
"""

import re
import sys
from contextlib import chdir
from dataclasses import dataclass

import numpy as np
import pandas as pd
from hepdata_lib import Submission, Table, Uncertainty, Variable

from muscan.base.errors import InputError
from muscan.base.files import atomic_write_folder, prefix_errors
from muscan.base.options import option
from muscan.results import contours

MISSING = "-"  # mark of HEPData for a missing value
DIGITS = 6  # significant digits of results
EXACT = 15  # significant digits of values from the user
METHODS = {"asymptotics": "asymptotic formulae", "toybased": "toys"}
BANDS = {"1 sigma": ("m1", "p1"), "2 sigma": ("m2", "p2")}
NUMBER = r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?"
RANGE = re.compile(rf"{NUMBER}\s*-\s*{NUMBER}$")  # a name such as 900-300, which HEPData reads as a bin and rejects
# For each contour: the name of its table, the limit that is 1 on it, and the variation of that limit.
CONTOURS = {
    "observed": ("Observed contour", "observed", ""),
    "expected": ("Expected contour", "expected", ""),
    "expected_m1": ("Expected contour minus 1 sigma", "expected", " at minus 1 sigma of its band"),
    "expected_p1": ("Expected contour plus 1 sigma", "expected", " at plus 1 sigma of its band"),
    "theory_m1": ("Observed contour theory minus 1 sigma", "observed", " with the cross section lowered by its error"),
    "theory_p1": ("Observed contour theory plus 1 sigma", "observed", " with the cross section raised by its error"),
}
NOTE = (
    "The errors of an expected value are the distances from the median to the values at 1 and 2 sigma under the "
    f"background-only hypothesis. '{MISSING}' marks a missing value."
)


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
    distances = edges.sub(points[median], axis=0).to_numpy()
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


def make_table(name: str, description: str, variables: list[Variable]) -> Table:
    """Return a table of a submission."""
    result = Table(name)
    result.description = description
    result.location = ""  # the figure or table of the paper, which is not known here
    result.keywords = {"observables": ["CLS"]}
    for variable in variables:
        result.add_variable(variable)
    return result


def label_variables(points: pd.DataFrame, axes: list[str], units: dict[str, str]) -> list[Variable]:
    """Return the labels of the points as variables, those of the axes first; without labels the names of the signals.

    Args:
        points: of the grid.
        axes: labels of the axes.
        units: of labels.

    Raises:
        InputError: if an axis or a unit is of an unknown label.
    """
    names = contours.label_names(points)
    unknown = [name for name in (*axes, *units) if name not in names]
    if unknown:
        raise InputError(f"the signal points have no label {unknown[0]!r}, only {', '.join(names) or 'names'}")
    if not names:
        return [independent_variable("Signal", with_missing_marks(points["signal"]))]
    order = [*axes, *(name for name in names if name not in axes)]
    return [independent_variable(name, with_missing_marks(points[name]), units.get(name, "")) for name in order]


def point_tables(points: pd.DataFrame, grid: str, axes: list[str], units: dict[str, str]) -> list[Table]:
    """Return the tables of limits on mu, and, if known, of CLs at mu = 1 and of limits on the cross section."""
    at = f"at {level_text(points)} confidence level by the CLs method"
    limits = result_variables(points, ("observed_limit", "expected"), "upper limit on the signal strength")
    made = {"Upper limits on the signal strength": (f"Upper limits on the signal strength mu {at}", limits)}
    if points[["CLs_obs", "CLs_exp"]].notna().any(axis=None):
        cls = result_variables(points, ("CLs_obs", "CLs_exp"), "CLs at mu = 1", with_level=False)
        made["CLs at nominal signal strength"] = ("CLs at the signal strength mu = 1", cls)
    if contours.has_cross_sections(points):
        made["Upper limits on the cross section"] = (
            f"Upper limits on the cross section {at}",
            cross_section_variables(points),
        )
    about = f"for the signals of the grid {grid}, from {method_text(points)}. {NOTE}"
    return [
        make_table(
            name, f"{what} {about}", [*label_variables(points, axes, units), *variables, *choice_variables(points)]
        )
        for name, (what, variables) in made.items()
    ]


def cross_section_variables(points: pd.DataFrame) -> list[Variable]:
    """Return the limits on the cross section, and the predicted cross section with its error."""
    unit = common_value(points[points["cross_section"].notna()], "unit")
    theory = dependent_variable("Cross section of theory", with_missing_marks(points["cross_section"]), unit)
    error = Uncertainty("theory")
    error.values = [each if np.isfinite(each) else None for each in points["cross_section_error"]]
    theory.add_uncertainty(error)
    columns = ("xsec_observed_limit", "xsec_expected")
    return [*result_variables(points, columns, "upper limit on the cross section", unit), theory]


def contour_tables(points: pd.DataFrame, grid: str, x: str, y: str, units: dict[str, str]) -> list[Table]:
    """Return a table for each contour that is not empty."""
    curves = contours.contour_lines(points, x, y)
    made = []
    for key, (name, kind, which) in CONTOURS.items():
        pieces = curves.get(key)
        if not pieces:
            continue
        xs, ys = np.concatenate(pieces).T.tolist()
        horizontal = independent_variable(x, xs, units.get(x, ""), DIGITS)
        about = qualifiers(points, kind) | {"Interpolated": contours.describe_basis(points, key)}
        variables = [horizontal, dependent_variable(y, ys, units.get(y, ""), about)]
        if len(pieces) > 1:
            numbers = [number for number, piece in enumerate(pieces, start=1) for _ in piece]
            variables.append(dependent_variable("Piece of the contour", numbers))
        description = (
            f"Contour in the plane of {x} and {y}, interpolated between the signals of the grid {grid}, on which the "
            f"{kind} upper limit on the signal strength{which} is 1 at {level_text(points)} confidence level, from "
            f"{method_text(points)}."
        )
        made.append(make_table(name, description, variables))
    return made


def make_submission(points: pd.DataFrame, grid: str, x: str | None, y: str | None, units: dict[str, str]) -> Submission:
    """Return the submission with all tables of a grid."""
    axes = [name for name in (x, y) if name]
    result = Submission()
    result.comment = f"Upper limits on the signal strength of the signals of the grid {grid}."
    made = point_tables(points, grid, axes, units)
    if len(axes) == 2:
        try:
            made += contour_tables(points, grid, *axes, units)
        except InputError as error:  # such as points that differ in a third label alone
            print(f"no contours: {error}", file=sys.stderr)
    for each in made:
        result.add_table(each)
    return result


@dataclass(frozen=True)
class SubmissionSettings:
    """The name of the grid, the axes of its contours, and the units of its labels."""

    grid: str = option("name of the grid, for descriptions")
    x: str | None = option("label on the horizontal axis of the contours", default=None)
    y: str | None = option("label on the vertical axis of the contours; without it there are none", default=None)
    units: list[str] = option("units of labels as LABEL=UNIT, such as m1=GeV", default_factory=list)


def write_submission(folder: str, points: str, settings: SubmissionSettings) -> None:
    """Write a folder with submission.yaml and a YAML file for each table.

    Args:
        folder: path of the folder.
        points: points.csv.
        settings: of the grid.

    Raises:
        InputError: if the table or a unit cannot be used.
    """
    units = dict(map(parse_unit, settings.units))
    table = contours.read_points(points)
    with prefix_errors(points):
        made = make_submission(table, settings.grid, settings.x, settings.y, units)
    # hepdata_lib also writes an archive of the folder, which contains dates, to the working directory.
    with atomic_write_folder(folder) as written, chdir(written.parent):
        made.create_files(str(written))


def parse_unit(text: str) -> tuple[str, str]:
    """Return a label and its unit from a text such as `m1=GeV`.

    Raises:
        InputError: if the text has another form.
    """
    label, _, unit = text.rpartition("=")
    if not (label and unit):
        raise InputError(f"{text!r} is not LABEL=UNIT")
    return label, unit
