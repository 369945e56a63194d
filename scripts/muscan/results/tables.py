"""Collect the limits of all scans.

Reads limits.json and fit.json of every scan, writes limits.csv and the same table as Markdown.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

from muscan.base.errors import LONGEST_REASON, StepError
from muscan.base.files import write_text
from muscan.base.options import option
from muscan.base.words import printable_text, shorten
from muscan.config.scans import scans_in
from muscan.config.settings import source_of
from muscan.config.signals import ONLY_SIGNAL, label_values, path_name
from muscan.records.columns import (
    CLS_COLUMNS,
    DISCOVERY_NUMBERS,
    ERROR_COLUMNS,
    FIT_COLUMNS,
    LIMIT_COLUMNS,
    label_column,
)
from muscan.records.fit import FitResult
from muscan.records.limits import Limits
from muscan.results.measurements import (
    FAILED_MEASUREMENTS,
    describe_failed,
    discovery_columns,
    files_of_scan,
    has_discovery,
)

LIMITS_NUMBERS = [*LIMIT_COLUMNS, *ERROR_COLUMNS, *CLS_COLUMNS, "mu_hat", "mu_hat_error", "gof_p_value"]
# Characters that Markdown would interpret, so that they need a backslash; underscores only at the edge of a word.
MARKUP = re.compile(r"[\\`*<>\[\]$|~&]|(?<![^\W_])_|_(?![^\W_])")


def scan_row(results: Path, scan: str) -> dict:
    """Return the row of a scan.

    Args:
        results: folder of the results.
        scan: `analysis/signal/calculator`.
    """
    analysis, signal, _ = scan.split("/")
    limits = Limits.read(results / scan / "limits.json")
    return limits_row(analysis, signal, limits, _fit_columns(results / analysis / signal / "fit.json"))


def row_not_run(analysis: str, reason: str, like: dict) -> dict:
    """Return the row of an analysis that was not run because of a problem of its configuration.

    Args:
        analysis: its name.
        reason: the problem.
        like: another row, for the calculator, the confidence level and the test statistic.
    """
    kind = {name: like[name] for name in ("calculator", "confidence_level", "test_statistic")}
    return limits_row(analysis, ONLY_SIGNAL, Limits.from_failure(reason, **kind), dict.fromkeys(FIT_COLUMNS))


def limits_row(analysis: str, signal: str, limits: Limits, fit: dict) -> dict:
    """Return limits and results of the fit as a row of the table.

    Args:
        analysis: its name.
        signal: its name, encoded as in paths.
        limits: of the signal.
        fit: {column: value} for FIT_COLUMNS.
    """
    return {
        "analysis": analysis,
        "signal": unquote(signal),
        "calculator": limits.calculator,
        "confidence_level": limits.confidence_level,
        **dict(zip(LIMIT_COLUMNS, [value for value, *_ in limits.entries()], strict=True)),
        "status": status_text(limits),
        **fit,
        "test_statistic": limits.test_statistic,
        "failed_points": len(limits.failed_points),
        "reason": reason_text(limits),
        **dict(zip(ERROR_COLUMNS, limits.limit_errors(), strict=True)),
        **cls_columns(limits),
        "warning": "; ".join(limits.check_warnings()),
    }


def cls_columns(limits: Limits) -> dict:
    """Return CLs at mu = 1, the predicted signal; from toys only if some were thrown at that mu."""
    tested = (point for point in limits.points if point["mu"] == 1)
    nominal = limits.nominal or next(tested, {"CLs_obs": None, "CLs_exp": [None] * 5})
    return dict(zip(CLS_COLUMNS, [nominal["CLs_obs"], *nominal["CLs_exp"]], strict=True))


def status_text(limits: Limits) -> str:
    """Return the status of the six limits: one if they share it, otherwise each that is not `ok` with its columns."""
    by_status: dict[str, list[str]] = {}
    for column, (_, each, _, _) in zip(LIMIT_COLUMNS, limits.entries(), strict=True):
        by_status.setdefault(each, []).append(column)
    if len(by_status) == 1:
        return next(iter(by_status))
    return "; ".join(f"{each}: {' '.join(columns)}" for each, columns in by_status.items() if each != "ok")


def reason_text(limits: Limits) -> str:
    """Return why limits are missing, which tests failed, and whether the target for the errors was missed."""
    reasons = [why for _, _, why, _ in limits.entries() if why]
    if limits.failed_points and limits.points:
        failed = ", ".join(f"{point['mu']:g}" for point in limits.failed_points)
        reasons.append(f"failed tests: mu = {failed}")
    if limits.toys and limits.toys["target_reached"] is False:
        reasons.append(f"the uncertainty is above the target of {100 * limits.toys['target']:g} %: raise max or block")
    return shorten("; ".join(dict.fromkeys(reasons)), LONGEST_REASON)


def _fit_columns(path: Path) -> dict:
    try:
        fit = FitResult.read(path)
    except StepError:
        return dict.fromkeys(FIT_COLUMNS)
    at_bound = None if fit.blinded else fit.mu_hat in fit.poi_bounds
    return {
        "mu_hat": fit.mu_hat,
        "mu_hat_error": None if at_bound else fit.mu_hat_error,  # no meaning at a bound
        "mu_hat_at_bound": at_bound,
        "gof_p_value": fit.goodness_of_fit["p_value"],
    }


def as_markdown(table: pd.DataFrame) -> str:
    """Return the table in Markdown, with four significant digits and a dash for missing numbers.

    Characters of names and reasons that Markdown would interpret are escaped.
    """

    def cell(value: object) -> str:
        if isinstance(value, float):
            return "–" if pd.isna(value) else f"{value:.4g}"
        return MARKUP.sub(r"\\\g<0>", printable_text(str(value)))

    rows = [map(cell, table.columns), ["---"] * len(table.columns)]
    rows += [map(cell, values) for values in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def label_columns(outline: dict, analysis: str) -> dict[str, dict]:
    """Return {signal: {column: value}} for the labels of the signals of an analysis.

    A label whose name is that of another column gets a prefix, see `label_column`.
    """
    kind, block = source_of(outline, analysis)
    values = label_values(block) if kind == "workspace" else {}
    return {
        signal: {label_column(label): value for label, value in labels.items()} for signal, labels in values.items()
    }


@dataclass(frozen=True)
class TableSettings:
    """The scans of a table."""

    outline: dict = option("datasets and analyses of the configuration, as JSON", keys=("datasets", "analyses"))
    results: str = option("folder of the results", default="results")


@dataclass(frozen=True)
class LimitsSettings(TableSettings):
    """The scans of the table of limits, and the analyses that were not run."""

    not_run: dict = option("{analysis: reason} of analyses that were not run, as JSON", default_factory=dict)


def tabulate_limits(csv: str, markdown: str, settings: LimitsSettings) -> None:
    """Write the limits of all scans as a CSV file, and the same table as Markdown."""
    folder = Path(settings.results)
    rows = [scan_row(folder, scan) for scan in scans_in(settings.outline)]
    if any(analysis["measurements"] for analysis in settings.outline["analyses"].values()):
        rows = [row | _measurement_columns(folder, row, settings.outline) for row in rows]
    columns = dict.fromkeys(rows[0])
    rows += [columns | row_not_run(analysis, reason, rows[0]) for analysis, reason in settings.not_run.items()]
    numbers = LIMITS_NUMBERS + [name for name in DISCOVERY_NUMBERS if name in rows[0]]
    write_table(csv, markdown, with_labels(rows, numbers, settings.outline))


def _measurement_columns(results: Path, row: dict, outline: dict) -> dict:
    """The columns of measurements for a row of the table."""
    folder = results / row["analysis"] / path_name(row["signal"])
    files = files_of_scan(outline, row["analysis"], row["calculator"])
    of_all = (analysis["measurements"] for analysis in outline["analyses"].values())
    columns = discovery_columns(folder, files) if has_discovery(of_all) else {}
    return columns | {FAILED_MEASUREMENTS: describe_failed(folder, files)}


def with_labels(rows: list[dict], numbers: list[str], outline: dict) -> pd.DataFrame:
    """Return a table with the labels of the signals in columns after `signal`.

    Args:
        rows: of signals, with the same columns.
        numbers: names of the columns of numbers; a missing number becomes nan.
        outline: datasets and analyses of the configuration.
    """
    labels = {analysis: label_columns(outline, analysis) for analysis in outline["analyses"]}
    table = pd.DataFrame([row | labels.get(row["analysis"], {}).get(row["signal"], {}) for row in rows])
    columns = list(rows[0])
    place = columns.index("signal") + 1
    table = table[columns[:place] + [name for name in table if name not in columns] + columns[place:]]
    table[numbers] = table[numbers].astype(float)
    return table


def write_table(csv: str, markdown: str, table: pd.DataFrame) -> None:
    """Write a table as a CSV file, and the same table as Markdown."""
    write_text(csv, table.to_csv(index=False, lineterminator="\n"))
    write_text(markdown, as_markdown(table))
