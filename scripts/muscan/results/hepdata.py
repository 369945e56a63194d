"""Write the limits of a grid of signals as a submission to HEPData.

Reads points.csv, writes a folder with submission.yaml and a YAML file for each table: upper limits on the signal
strength mu, CLs at mu = 1, upper limits on the cross section, p0 and Z of an excess, and the exclusion contours in the
plane of two labels.
"""

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
from muscan.results.hepdata_discovery import has_significances, significance_tables
from muscan.results.hepdata_variables import (
    DIGITS,
    MISSING,
    choice_variables,
    common_value,
    dependent_variable,
    independent_variable,
    level_text,
    make_table,
    method_text,
    qualifiers,
    result_variables,
    with_missing_marks,
)

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
    """Return the tables of limits on mu, and, if known, of CLs at mu = 1, limits on the cross section, p0 and Z."""
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
    labels = label_variables(points, axes, units)
    tables = [
        make_table(name, f"{what} {about}", [*labels, *variables, *choice_variables(points)])
        for name, (what, variables) in made.items()
    ]
    return tables + (significance_tables(points, grid, labels) if has_significances(points) else [])


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
