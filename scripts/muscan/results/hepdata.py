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
from muscan.base.files import folder_written_whole, named
from muscan.base.options import option
from muscan.results import contours

MISSING = "-"  # HEPData's word for a value that is missing


DIGITS = 6  # significant, of results


EXACT = 15  # significant, of what the user gave


METHODS = {"asymptotics": "asymptotic formulae", "toybased": "toys"}


BANDS = {"1 sigma": ("m1", "p1"), "2 sigma": ("m2", "p2")}


NUMBER = r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?"


RANGE = re.compile(rf"{NUMBER}\s*-\s*{NUMBER}$")  # a name such as 900-300: HEPData takes it for a bin and rejects it


# Of each contour: the name of its table, the limit that is 1 on it, and what belongs to that limit.
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
    f"background-only hypothesis. '{MISSING}' stands where there is no value."
)


def cells(values: pd.Series) -> list:
    """The values, or the mark of a missing one."""
    if values.dtype == float:
        return [value if np.isfinite(value) else MISSING for value in values.tolist()]
    return [value or MISSING for value in values]


def independent(name: str, values: list, unit: str = "", digits: int = EXACT) -> Variable:
    values = [f"{name} {each}" if isinstance(each, str) and RANGE.match(each) else each for each in values]
    variable = Variable(name, is_binned=False, values=values, units=unit)
    variable.digits = digits
    return variable


def dependent(name: str, values: list, unit: str = "", qualifiers: dict | None = None) -> Variable:
    variable = Variable(name, is_independent=False, is_binned=False, values=values, units=unit)
    variable.zero_uncertainties_warning = False  # hepdata_lib warns of missing values too
    variable.digits = DIGITS
    for qualifier, value in (qualifiers or {}).items():
        variable.add_qualifier(qualifier, value)
    return variable


def band(points: pd.DataFrame, median: str, label: str) -> Uncertainty:
    """Distances from the median to the edges of a band; none where the median or an edge is missing."""
    edges = points[[f"{median}_{edge}" for edge in BANDS[label]]]
    distances = edges.sub(points[median], axis=0).to_numpy()
    uncertainty = Uncertainty(label, is_symmetric=False)
    uncertainty.values = distances
    for i in np.flatnonzero(~np.isfinite(distances).all(axis=1)):
        uncertainty.values[i] = None  # hepdata_lib leaves it out, but does not take it together with the others
    return uncertainty


def single(points: pd.DataFrame, column: str):
    """The value that all points share.

    Raises:
        InputError: if they do not: a table has one confidence level and one unit.
    """
    values = points[column].dropna().unique()
    if len(values) != 1:
        found = ", ".join(map(repr, values.tolist())) or "none"
        raise InputError(f"column {column!r}: one value is needed for all points of a grid, found {found}")
    return values[0]


def several(points: pd.DataFrame, column: str) -> list[str]:
    """The different texts of a column."""
    return sorted(set(points[column]) - {""})


def method(points: pd.DataFrame) -> str:
    return " and ".join(METHODS.get(each, each) for each in several(points, "calculator"))


def level(points: pd.DataFrame) -> str:
    return f"{100 * single(points, 'confidence_level'):.10g} %"


def qualifiers(points: pd.DataFrame, kind: str, *, with_level: bool = True) -> dict[str, str]:
    """`kind` is observed or expected."""
    every = {"Result": kind, "Method": method(points)}
    return every | {"Confidence level": level(points)} if with_level else every


def results(points: pd.DataFrame, columns: tuple[str, str], name: str, unit: str = "", **options) -> list[Variable]:
    """The observed and the expected values of a result, with the bands of the latter.

    Args:
        columns: of the observed and the median expected values.
        options: of `qualifiers`.
    """
    both = [
        dependent(f"{kind.capitalize()} {name}", cells(points[column]), unit, qualifiers(points, kind, **options))
        for kind, column in zip(("observed", "expected"), columns, strict=True)
    ]
    for label in BANDS:
        both[1].add_uncertainty(band(points, columns[1], label))
    return both[contours.is_blinded(points) :]


def choices(points: pd.DataFrame) -> list[Variable]:
    """Which analysis and which method a result is from, where they differ between points."""
    columns = {"analysis": "Analysis with the best expected limit", "calculator": "Method"}
    return [
        dependent(name, cells(points[column].replace(METHODS) if column == "calculator" else points[column]))
        for column, name in columns.items()
        if len(several(points, column)) > 1
    ]


def table(name: str, description: str, variables: list[Variable]) -> Table:
    result = Table(name)
    result.description = description
    result.location = ""  # the figure or table of the paper, which is not known here
    result.keywords = {"observables": ["CLS"]}
    for variable in variables:
        result.add_variable(variable)
    return result


def labels(points: pd.DataFrame, axes: list[str], units: dict[str, str]) -> list[Variable]:
    """The labels of the points, those of the axes first; the names of the signals if there are no labels."""
    names = contours.label_names(points)
    unknown = [name for name in (*axes, *units) if name not in names]
    if unknown:
        raise InputError(f"the signal points have no label {unknown[0]!r}, only {', '.join(names) or 'names'}")
    if not names:
        return [independent("Signal", cells(points["signal"]))]
    order = [*axes, *(name for name in names if name not in axes)]
    return [independent(name, cells(points[name]), units.get(name, "")) for name in order]


def tables_of_points(points: pd.DataFrame, grid: str, axes: list[str], units: dict[str, str]) -> list[Table]:
    """Limits on mu, and where there are numbers CLs and limits on the cross section."""
    at = f"at {level(points)} confidence level by the CLs method"
    limits = results(points, ("observed_limit", "expected"), "upper limit on the signal strength")
    made = {"Upper limits on the signal strength": (f"Upper limits on the signal strength mu {at}", limits)}
    if points[["CLs_obs", "CLs_exp"]].notna().any(axis=None):
        cls = results(points, ("CLs_obs", "CLs_exp"), "CLs at mu = 1", with_level=False)
        made["CLs at nominal signal strength"] = ("CLs at the signal strength mu = 1", cls)
    if contours.has_cross_sections(points):
        made["Upper limits on the cross section"] = (f"Upper limits on the cross section {at}", cross_sections(points))
    about = f"for the signals of the grid {grid}, from {method(points)}. {NOTE}"
    return [
        table(name, f"{what} {about}", [*labels(points, axes, units), *variables, *choices(points)])
        for name, (what, variables) in made.items()
    ]


def cross_sections(points: pd.DataFrame) -> list[Variable]:
    """Limits on the cross section, and that of theory with its error."""
    unit = single(points[points["cross_section"].notna()], "unit")
    theory = dependent("Cross section of theory", cells(points["cross_section"]), unit)
    error = Uncertainty("theory")
    error.values = [each if np.isfinite(each) else None for each in points["cross_section_error"]]
    theory.add_uncertainty(error)
    columns = ("xsec_observed_limit", "xsec_expected")
    return [*results(points, columns, "upper limit on the cross section", unit), theory]


def tables_of_contours(points: pd.DataFrame, grid: str, x: str, y: str, units: dict[str, str]) -> list[Table]:
    """A table for each contour that there is."""
    curves = contours.curves(points, x, y)
    made = []
    for key, (name, kind, which) in CONTOURS.items():
        pieces = curves.get(key)
        if not pieces:
            continue
        xs, ys = np.concatenate(pieces).T.tolist()
        horizontal = independent(x, xs, units.get(x, ""), DIGITS)
        says = qualifiers(points, kind) | {"Interpolated": contours.basis(points, key)}
        variables = [horizontal, dependent(y, ys, units.get(y, ""), says)]
        if len(pieces) > 1:
            numbers = [number for number, piece in enumerate(pieces, start=1) for _ in piece]
            variables.append(dependent("Piece of the contour", numbers))
        description = (
            f"Contour in the plane of {x} and {y}, interpolated between the signals of the grid {grid}, on which the "
            f"{kind} upper limit on the signal strength{which} is 1 at {level(points)} confidence level, from "
            f"{method(points)}."
        )
        made.append(table(name, description, variables))
    return made


def submission(points: pd.DataFrame, grid: str, x: str | None, y: str | None, units: dict[str, str]) -> Submission:
    """All tables of a grid."""
    axes = [name for name in (x, y) if name]
    result = Submission()
    result.comment = f"Upper limits on the signal strength of the signals of the grid {grid}."
    made = tables_of_points(points, grid, axes, units)
    if len(axes) == 2:
        try:
            made += tables_of_contours(points, grid, *axes, units)
        except InputError as error:  # points that other labels tell apart, such as tan beta
            print(f"no contours: {error}", file=sys.stderr)
    for each in made:
        result.add_table(each)
    return result


@dataclass(frozen=True)
class SubmissionSettings:
    """How the grid is called, and which contours there are."""

    grid: str = option("name of the grid, for the descriptions")
    x: str | None = option("label on the horizontal axis of the contours", default=None)
    y: str | None = option("label on the vertical axis; without it there are no contours", default=None)
    units: list[str] = option("LABEL=UNIT, such as m1=GeV", default_factory=list)


def write_submission(folder: str, points: str, settings: SubmissionSettings) -> None:
    """Write a folder with submission.yaml and a YAML file for each table.

    Args:
        folder: its path.
        points: points.csv.
        settings: of the grid.

    Raises:
        InputError: if the table or a unit cannot be used.
    """
    units = dict(map(unit_of, settings.units))
    table = contours.read_points(points)
    with named(points):
        made = submission(table, settings.grid, settings.x, settings.y, units)
    # hepdata_lib leaves an archive of the folder, with dates, where it is run.
    with folder_written_whole(folder) as written, chdir(written.parent):
        made.create_files(str(written))


def unit_of(text: str) -> tuple[str, str]:
    """Return a label and its unit, from `m1=GeV`."""
    label, _, unit = text.rpartition("=")
    if not (label and unit):
        raise InputError(f"{text!r} is not LABEL=UNIT")
    return label, unit
