"""Findings about a run, from the table of limits and the fits: what a user should check first."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from muscan.base.errors import StepError
from muscan.base.json_input import read_json
from muscan.base.seals import BrokenResult
from muscan.base.words import format_deviation
from muscan.config.settings import TOYBASED
from muscan.config.signals import path_name, scan_name
from muscan.diagnosis.findings import DOUBT, HINDER, UNTIDY, finding_text
from muscan.inference.calculators import RELEVANT, SIGNIFICANT
from muscan.plotting.pull_values import constrained_and_free, pulls
from muscan.records.columns import parse_statuses
from muscan.records.fit import Parameters
from muscan.records.limits import BLINDED, Limits
from muscan.report.bounds_met import describe_bounds_met
from muscan.results.measurements import FAILED_MEASUREMENTS, has_other_failures
from muscan.results.table_rows import is_blinded, scan_of, several_calculators, worst_status

FAILED, WARNING, NOTE = "failed", "warning", "note"  # severities of findings
POOR_FIT = 0.05  # p-value of the goodness of fit, below which a fit is poor
LARGE_PULL = 2.0  # absolute value of a pull, above which it is large
# Kinds of findings, ordered by what they mean for limits. Notes change no limit, and only the report shows them.
# To add a kind, add a line here and a `yield` of such a finding to one of the functions below.
KINDS = {
    "failed": FAILED,
    "measurement": FAILED,  # a measurement beside the limits
    "limit": WARNING,  # a limit is missing
    "asymptotics": WARNING,  # asymptotic formulae do not hold
    "doubt": WARNING,  # the diagnosis of the model doubts a limit
    "bounds": WARNING,  # fits ended at bounds on which limits depend
    "fit": WARNING,  # the goodness of fit is poor
    "tests": WARNING,  # tests of single values of mu failed
    "unread": WARNING,  # fit.json cannot be read
    "outside": WARNING,  # the observed limit is outside its expected 2 sigma range
    "pulls": WARNING,  # pulls are large
    "hinder": WARNING,  # the diagnosis of the model names what may hinder a fit
    "bounds_far_away": NOTE,  # only tests far above the limits ended at a bound
    "untidy": NOTE,  # the diagnosis of the model names what changes no limit
    "mu_hat": NOTE,  # the best fit is at a bound of mu
    "blinded": NOTE,  # the analysis is blind
}
# Kinds by weight of a finding of the diagnosis. An unknown weight counts as a doubt, so that nothing is played down.
KIND_OF_WEIGHT = {DOUBT: "doubt", HINDER: "hinder", UNTIDY: "untidy"}
COMPARED = {"observed_limit": "observed", "expected": "expected"}  # limits that are compared with those from toys

Signal = tuple[str, str]  # an analysis and a signal
Row = dict[str, str]  # a row of limits.csv: texts by column


class RunFinding(NamedTuple):
    """Something about a run that a user should know."""

    kind: str  # a key of KINDS
    scan: str  # name of the scan or the signal, for messages
    message: str  # a sentence
    rank: float = 0.0  # order within the kind: the smallest is the worst
    subject: str = ""  # findings of a kind with the same subject share a line
    signal: Signal = ("", "")
    advice: str = ""  # what to do, if the message does not say it

    @property
    def severity(self) -> str:
        """FAILED, WARNING or NOTE."""
        return KINDS[self.kind]


def read_fits(results: Path, rows: Iterable[Row]) -> dict[Signal, dict | None]:
    """Read fit.json of all signals of limits.csv; None where it is missing or broken.

    Args:
        results: the folder of the results.
        rows: of limits.csv.
    """
    fits: dict[Signal, dict | None] = {}
    for analysis, signal in dict.fromkeys((row["analysis"], row["signal"]) for row in rows):
        try:
            fits[analysis, signal] = read_json(results / analysis / path_name(signal) / "fit.json")
        except (StepError, BrokenResult, OSError):
            fits[analysis, signal] = None
    return fits


def read_limits(results: Path, rows: Iterable[Row]) -> dict[Signal, list[Limits]]:
    """Read limits.json of all scans of limits.csv. Files that cannot be read are left out.

    Args:
        results: the folder of the results.
        rows: of limits.csv.

    Returns:
        the limits of each signal, by all calculators.
    """
    limits: dict[Signal, list[Limits]] = {}
    for row in rows:
        folder = results / row["analysis"] / path_name(row["signal"]) / row["calculator"]
        try:
            of_scan = Limits.from_json(read_json(folder / "limits.json"))
        except (StepError, BrokenResult, OSError, TypeError):
            continue
        limits.setdefault((row["analysis"], row["signal"]), []).append(of_scan)
    return limits


def collect_findings(
    rows: list[Row], fits: dict[Signal, dict | None], limits: dict[Signal, list[Limits]] | None = None
) -> list[RunFinding]:
    """Collect all findings about a run, the worst first; equally bad ones in the order of the table.

    Args:
        rows: of limits.csv.
        fits: what `read_fits` returns.
        limits: what `read_limits` returns.
    """
    limits = limits or {}
    several = several_calculators(rows)
    findings = [finding for row in rows for finding in _limit_findings(row, scan_of(row, several))]
    findings += _calculator_findings(rows)
    first_rows = {(row["analysis"], row["signal"]): row for row in reversed(rows)}
    for signal in dict.fromkeys((row["analysis"], row["signal"]) for row in rows):
        findings += _fit_findings(first_rows[signal], fits.get(signal), limits.get(signal, []), scan_name(*signal))
    order = list(KINDS)
    return sorted(findings, key=lambda finding: (order.index(finding.kind), finding.rank))


def _limit_findings(row: Row, scan: str) -> Iterator[RunFinding]:
    """Find limits that are missing, failed tests, and an observed limit far from the expected ones."""
    finding = partial(RunFinding, scan=scan, signal=(row["analysis"], row["signal"]))
    missing = set(parse_statuses(row["status"]).values()) - {"ok", BLINDED}
    reason = f" ({row['reason']})" if row["reason"] else ""
    if "fit_failed" in missing:
        yield finding("failed", message=f"{row['status']}{reason}")
    elif missing:
        yield finding("limit", message=f"{row['status']}{reason}", subject=worst_status(row))
    elif row["reason"] and not is_blinded(row):
        yield finding("tests", message=f"{row['status']}{reason}")
    if has_other_failures(row):
        yield finding("measurement", message=row[FAILED_MEASUREMENTS])
    for warning in filter(None, (row.get("warning") or "").split("; ")):
        yield finding("asymptotics", message=warning)
    numbers = [row[name] for name in ("observed_limit", "expected_m2", "expected_p2")]
    if all(numbers):
        observed, low, high = map(float, numbers)
        if not low <= observed <= high:
            text = f"observed limit {observed:.4g} outside the expected 2 sigma range, {low:.4g} to {high:.4g}"
            yield finding("outside", message=text, rank=-max(observed / high, low / max(observed, 1e-300)))


def _calculator_findings(rows: list[Row]) -> Iterator[RunFinding]:
    """Find asymptotic limits that differ from limits from toys by more than the error of the latter, and by 5 %."""
    toy_rows = {(row["analysis"], row["signal"]): row for row in rows if row["calculator"] == TOYBASED}
    for row in rows:
        toys = toy_rows.get((row["analysis"], row["signal"]), row)
        for name in COMPARED if toys is not row else ():
            numbers = row[name], toys[name], toys.get(f"{name}_error")
            if not all(numbers):
                continue
            asymptotic, from_toys, error = map(float, numbers)
            ratio = asymptotic / from_toys
            if abs(asymptotic - from_toys) > SIGNIFICANT * error and abs(ratio - 1) > RELEVANT:
                message = (
                    f"asymptotic {COMPARED[name]} limit {asymptotic:.4g}, {from_toys:.4g} ± {error:.2g} from toys: it "
                    f"is too {'strong' if ratio < 1 else 'weak'} by {format_deviation(ratio)}, use that from toys"
                )
                signal = (row["analysis"], row["signal"])
                yield RunFinding("asymptotics", scan_of(row, True), message, -abs(ratio - 1), signal=signal)


def _fit_findings(row: Row, fit: dict | None, limits: list[Limits], scan: str) -> Iterator[RunFinding]:
    """Find what the best fit, the bounds at which fits ended, and the diagnosis of the model say."""
    finding = partial(RunFinding, scan=scan, signal=(row["analysis"], row["signal"]))
    if row["gof_p_value"] and float(row["gof_p_value"]) < POOR_FIT:
        p_value = float(row["gof_p_value"])
        text = f"goodness of fit p = {p_value:.2g}: the model does not describe the data, do not trust its limit"
        yield finding("fit", message=text, rank=p_value)
    if row["mu_hat_at_bound"] == "True":
        value = float(row["mu_hat"])
        yield finding("mu_hat", message=f"mu_hat is at its bound {value:.4g}" + ": no excess" * (value == 0))
    if is_blinded(row):
        yield finding("blinded", message="blinded: expected limits only")
    if fit is None and "fit_failed" not in row["status"]:
        yield finding("unread", message="fit.json cannot be read: pulls, bounds and the model were not examined")
    if fit is None:
        return
    for warning in fit.get("warnings") or []:
        yield _diagnosis_finding(warning, finding)
    if fit.get("parameters"):
        yield from _pull_findings(Parameters.from_json(fit["parameters"]), finding)
        for met in describe_bounds_met(fit, limits):
            yield finding("bounds" if met.matters else "bounds_far_away", message=met.sentence)


def _diagnosis_finding(warning: str | dict, finding: partial) -> RunFinding:
    """Convert a finding of the diagnosis of a model; in older results it is a plain text."""
    if isinstance(warning, str):
        return finding("doubt", message=warning)
    kind = KIND_OF_WEIGHT.get(warning.get("weight"), "doubt")
    message = finding_text(warning.get("where", ""), warning["message"], "")
    return finding(kind, message=message, subject=warning.get("kind", ""), advice=warning.get("advice", ""))


def warning_text(warning: str | dict) -> str:
    """Return place, message and advice of an entry of `FitResult.warnings` as one text."""
    if isinstance(warning, str):
        return warning
    return finding_text(warning.get("where", ""), warning["message"], warning.get("advice", ""))


def is_untidy(warning: str | dict) -> bool:
    """Return whether an entry of `FitResult.warnings` is about something that changes no limit."""
    return not isinstance(warning, str) and warning.get("weight") == UNTIDY


def _pull_findings(parameters: Parameters, finding: partial) -> Iterator[RunFinding]:
    large = [(name, pull) for name, pull, _ in largest_pulls(parameters) if abs(pull) > LARGE_PULL]
    if large:
        name, pull = large[0]
        number = f"{len(large)} pulls" if len(large) > 1 else "a pull"
        text = f"{number} beyond {LARGE_PULL:g}, {'the largest ' if len(large) > 1 else ''}{pull:+.2g} of {name}"
        yield finding("pulls", message=text, rank=-abs(pull))


def largest_pulls(parameters: Parameters) -> list[tuple[str, float, float]]:
    """Return (name, pull, error in units of the constraint) of all constrained parameters, the largest pull first."""
    indices = [i for i in constrained_and_free(parameters)[0] if parameters.values[i] is not None]
    values_and_errors = zip(indices, *pulls(parameters, indices), strict=True)
    by_parameter = [(parameters.names[i], float(pull), float(error)) for i, pull, error in values_and_errors]
    return sorted(by_parameter, key=lambda entry: -abs(entry[1]))
