"""Collect the limits of all scans.

Reads limits.json and fit.json of every scan, writes limits.csv and the same as Markdown.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

from muscan.base.errors import StepError
from muscan.base.files import read_result, write_text
from muscan.base.options import option
from muscan.base.words import printable_text
from muscan.config.scans import scans_in
from muscan.config.settings import source_of
from muscan.config.signals import ONLY_SIGNAL, label_values
from muscan.records.columns import CLS_COLUMNS, ERROR_COLUMNS, FIT_COLUMNS, LIMIT_COLUMNS, label_column
from muscan.records.fit import FitResult
from muscan.records.limits import Limits

LIMITS_NUMBERS = [*LIMIT_COLUMNS, *ERROR_COLUMNS, *CLS_COLUMNS, "mu_hat", "mu_hat_error", "gof_p_value"]
# What Markdown would not show as it stands; a backslash before it helps. Of underscores those at the edge of a word.
MARKUP = re.compile(r"[\\`*<>\[\]$|~&]|(?<![^\W_])_|_(?![^\W_])")


def row(results: Path, scan: str) -> dict:
    """One scan, `analysis/signal/calculator`, as a row of the table."""
    analysis, signal, _ = scan.split("/")
    limits = Limits.from_json(read_result(results / scan / "limits.json"))
    return row_of(analysis, signal, limits, _fit_columns(results / analysis / signal / "fit.json"))


def row_not_run(analysis: str, reason: str, like: dict) -> dict:
    """An analysis that the configuration does not let run, under the confidence level of another row."""
    kind = {name: like[name] for name in ("calculator", "confidence_level", "test_statistic")}
    return row_of(analysis, ONLY_SIGNAL, Limits.from_failure(reason, **kind), dict.fromkeys(FIT_COLUMNS))


def row_of(analysis: str, signal: str, limits: Limits, fit: dict) -> dict:
    """Limits and the fit behind them as a row.

    Args:
        fit: those of FIT_COLUMNS.
    """
    return {
        "analysis": analysis,
        "signal": unquote(signal),
        "calculator": limits.calculator,
        "confidence_level": limits.confidence_level,
        **dict(zip(LIMIT_COLUMNS, [value for value, *_ in limits.entries()], strict=True)),
        "status": status(limits),
        **fit,
        "test_statistic": limits.test_statistic,
        "failed_points": len(limits.failed_points),
        "reason": reason(limits),
        **dict(zip(ERROR_COLUMNS, limits.limit_errors(), strict=True)),
        **cls_columns(limits),
        "warning": "; ".join(limits.check_warnings()),
    }


def cls_columns(limits: Limits) -> dict:
    """CLs at mu = 1, the signal as it is predicted; of toys only if they were thrown there."""
    tested = (point for point in limits.points if point["mu"] == 1)
    nominal = limits.nominal or next(tested, {"CLs_obs": None, "CLs_exp": [None] * 5})
    return dict(zip(CLS_COLUMNS, [nominal["CLs_obs"], *nominal["CLs_exp"]], strict=True))


def status(limits: Limits) -> str:
    """`ok` if all six limits are; otherwise the statuses that are not, with the columns they belong to."""
    by_status: dict[str, list[str]] = {}
    for column, (_, each, _, _) in zip(LIMIT_COLUMNS, limits.entries(), strict=True):
        by_status.setdefault(each, []).append(column)
    if len(by_status) == 1:
        return next(iter(by_status))
    return "; ".join(f"{each}: {' '.join(columns)}" for each, columns in by_status.items() if each != "ok")


def reason(limits: Limits) -> str:
    """Why limits are missing, and which tests failed although the limits stand."""
    reasons = [why for _, _, why, _ in limits.entries() if why]
    if limits.failed_points and limits.points:
        failed = ", ".join(f"{point['mu']:g}" for point in limits.failed_points)
        reasons.append(f"failed tests: mu = {failed}")
    if limits.toys and limits.toys["target_reached"] is False:
        reasons.append(f"the uncertainty is above the target of {100 * limits.toys['target']:g} %: raise max or block")
    return "; ".join(dict.fromkeys(reasons))


def _fit_columns(path: Path) -> dict:
    try:
        fit = FitResult.from_json(read_result(path))
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
    """The table for people: four significant digits, a dash where there is no number; names and reasons are literal."""

    def cell(value) -> str:
        if isinstance(value, float):
            return "–" if pd.isna(value) else f"{value:.4g}"
        return MARKUP.sub(r"\\\g<0>", printable_text(str(value)))

    rows = [map(cell, table.columns), ["---"] * len(table.columns)]
    rows += [map(cell, values) for values in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def label_columns(outline: dict, analysis: str) -> dict[str, dict]:
    """{signal: {column: value}} of what is known of the signals of an analysis; no label takes the name of a column."""
    kind, block = source_of(outline, analysis)
    values = label_values(block) if kind == "workspace" else {}
    return {
        signal: {label_column(label): value for label, value in labels.items()} for signal, labels in values.items()
    }


@dataclass(frozen=True)
class TableSettings:
    """Which scans are in a table."""

    outline: dict = option("the data sets and analyses, as JSON")
    results: str = option("folder of the results", default="results")


@dataclass(frozen=True)
class LimitsSettings(TableSettings):
    """Which scans are in the table of limits, and which analyses are there although they were not run."""

    not_run: dict = option("{analysis: why}, as JSON", default_factory=dict)


def tabulate_limits(csv: str, markdown: str, settings: LimitsSettings) -> None:
    """Write the limits of all scans as a CSV file, and the same as Markdown."""
    folder = Path(settings.results)
    rows = [row(folder, scan) for scan in scans_in(settings.outline)]
    rows += [row_not_run(analysis, why, rows[0]) for analysis, why in settings.not_run.items()]
    write_table(csv, markdown, with_labels(rows, LIMITS_NUMBERS, settings.outline))


def with_labels(rows: list[dict], numbers: list[str], outline: dict) -> pd.DataFrame:
    """Return a table with the labels of the signals behind their names.

    Args:
        rows: of signals, with the same columns.
        numbers: columns of numbers, empty where there is none.
        outline: the data sets and analyses.
    """
    labels = {analysis: label_columns(outline, analysis) for analysis in outline["analyses"]}
    table = pd.DataFrame([row | labels.get(row["analysis"], {}).get(row["signal"], {}) for row in rows])
    columns = list(rows[0])
    behind = columns.index("signal") + 1
    table = table[columns[:behind] + [name for name in table if name not in columns] + columns[behind:]]
    table[numbers] = table[numbers].astype(float)
    return table


def write_table(csv: str, markdown: str, table: pd.DataFrame) -> None:
    """Write a table as a CSV file, and the same as Markdown."""
    write_text(csv, table.to_csv(index=False, lineterminator="\n"))
    write_text(markdown, as_markdown(table))
