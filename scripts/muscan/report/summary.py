"""What a user should look at first after a run: findings from the table of limits and the fits, the worst on top."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from muscan.base.errors import StepError
from muscan.base.json_input import read_json
from muscan.base.seals import BrokenResult
from muscan.base.words import listed, off_by, printable
from muscan.config.settings import TOYBASED
from muscan.config.signals import path_name, scan_name
from muscan.diagnosis.findings import DOUBT, HINDER, UNTIDY, in_words
from muscan.inference.calculators import RELEVANT, SIGNIFICANT
from muscan.plotting.pull_values import constrained_and_free, pulls
from muscan.records.columns import statuses
from muscan.records.fit import Parameters
from muscan.records.limits import BLINDED, Limits
from muscan.report.bounds_met import on_bounds
from muscan.results.table_rows import is_blinded, scan_of, several_calculators, worst_status

FAILED, WARNING, NOTE = "failed", "warning", "note"  # how bad a finding is
POOR_FIT = 0.05  # goodness of fit, p-value
LARGE_PULL = 2.0
# Kinds of findings in the order in which they are told: by what they mean for limits. Notes change none; the report
# alone has them. A new kind of finding needs a line here, and a `yield Finding(...)` in one of the functions below.
KINDS = {
    "failed": FAILED,
    "limit": WARNING,  # there is no number
    "asymptotics": WARNING,  # their formulae do not hold
    "doubt": WARNING,  # of the diagnosis of the model
    "bounds": WARNING,
    "fit": WARNING,
    "tests": WARNING,
    "unread": WARNING,
    "outside": WARNING,
    "pulls": WARNING,
    "hinder": WARNING,  # of the diagnosis, as the next
    "bounds_far_away": NOTE,
    "untidy": NOTE,
    "mu_hat": NOTE,
    "blinded": NOTE,
}
# What the diagnosis says without a weight that is known here counts as a doubt: nothing is played down.
OF_DIAGNOSIS = {DOUBT: "doubt", HINDER: "hinder", UNTIDY: "untidy"}
LINES, LETTERS, NAMES = 5, 240, 3  # of the short form: lines, letters in each message, names in each line
COMPARED = {"observed_limit": "observed", "expected": "expected"}  # limits from toys with asymptotic ones


class Finding(NamedTuple):
    """Something to look at."""

    kind: str
    scan: str  # as people call it
    message: str  # a sentence
    rank: float = 0.0  # within its kind the smallest is told first
    about: str = ""  # findings of a kind that are about the same share a line
    of: tuple[str, str] = ("", "")  # analysis and signal
    advice: str = ""  # what to do, where the message does not say it

    @property
    def severity(self) -> str:
        return KINDS[self.kind]


def read_fits(results: Path, rows: Iterable[dict[str, str]]) -> dict[tuple[str, str], dict | None]:
    """{(analysis, signal): fit.json} of all rows of limits.csv; None where it is missing or not what was written."""
    fits = {}
    for analysis, signal in dict.fromkeys((row["analysis"], row["signal"]) for row in rows):
        try:
            fits[analysis, signal] = read_json(results / analysis / path_name(signal) / "fit.json")
        except (StepError, BrokenResult, OSError):
            fits[analysis, signal] = None
    return fits


def read_limits(results: Path, rows: Iterable[dict[str, str]]) -> dict[tuple[str, str], list[Limits]]:
    """{(analysis, signal): limits.json of all calculators} of all rows of limits.csv, as far as they can be read."""
    found: dict[tuple[str, str], list[Limits]] = {}
    for row in rows:
        folder = results / row["analysis"] / path_name(row["signal"]) / row["calculator"]
        try:
            limits = Limits.from_json(read_json(folder / "limits.json"))
        except (StepError, BrokenResult, OSError, TypeError):
            continue
        found.setdefault((row["analysis"], row["signal"]), []).append(limits)
    return found


def findings(
    rows: list[dict[str, str]],
    fits: dict[tuple[str, str], dict | None],
    limits: dict[tuple[str, str], list[Limits]] | None = None,
) -> list[Finding]:
    """All findings, the worst first; in the order of the table where they are equally bad.

    Args:
        rows: of limits.csv, as text.
        fits: what `read_fits` finds.
        limits: what `read_limits` finds.
    """
    limits = limits or {}
    several = several_calculators(rows)
    found = [each for row in rows for each in _of_limits(row, scan_of(row, several))]
    found += _of_calculators(rows)
    first = {(row["analysis"], row["signal"]): row for row in reversed(rows)}
    for key in dict.fromkeys((row["analysis"], row["signal"]) for row in rows):
        found += _of_fit(first[key], fits.get(key), limits.get(key, []), scan_name(*key))
    order = list(KINDS)
    return sorted(found, key=lambda each: (order.index(each.kind), each.rank))


def _of_limits(row: dict[str, str], scan: str) -> Iterator[Finding]:
    """Limits that are missing, tests that failed, and an observed limit that is far from the expected ones."""
    finding = partial(Finding, scan=scan, of=(row["analysis"], row["signal"]))
    missing = set(statuses(row["status"]).values()) - {"ok", BLINDED}
    reason = f" ({row['reason']})" if row["reason"] else ""
    if "fit_failed" in missing:
        yield finding("failed", message=f"{row['status']}{reason}")
    elif missing:
        yield finding("limit", message=f"{row['status']}{reason}", about=worst_status(row))
    elif row["reason"] and not is_blinded(row):
        yield finding("tests", message=f"{row['status']}{reason}")
    for warning in filter(None, (row.get("warning") or "").split("; ")):
        yield finding("asymptotics", message=warning)
    numbers = [row[name] for name in ("observed_limit", "expected_m2", "expected_p2")]
    if all(numbers):
        observed, low, high = map(float, numbers)
        if not low <= observed <= high:
            text = f"observed limit {observed:.4g} outside of the expected 2 sigma range, {low:.4g} to {high:.4g}"
            yield finding("outside", message=text, rank=-max(observed / high, low / max(observed, 1e-300)))


def _of_calculators(rows: list[dict[str, str]]) -> Iterator[Finding]:
    """Asymptotic limits that differ from those from toys beside them by more than the error of these, and 5 %."""
    others = {(row["analysis"], row["signal"]): row for row in rows if row["calculator"] == TOYBASED}
    for row in rows:
        toys = others.get((row["analysis"], row["signal"]), row)
        for name in COMPARED if toys is not row else ():
            numbers = row[name], toys[name], toys.get(f"{name}_error")
            if not all(numbers):
                continue
            value, right, error = map(float, numbers)
            off = value / right - 1
            if abs(value - right) > SIGNIFICANT * error and abs(off) > RELEVANT:
                what = f"asymptotic {COMPARED[name]} limit {value:.4g}, {right:.4g} ± {error:.2g} from toys"
                text = f"{what}: it is too {'strong' if off < 0 else 'weak'} by {off_by(value / right)}"
                message, of = f"{text}, use that from toys", (row["analysis"], row["signal"])
                yield Finding("asymptotics", scan_of(row, True), message, -abs(off), of=of)


def _of_fit(row: dict[str, str], fit: dict | None, limits: list[Limits], scan: str) -> Iterator[Finding]:
    """What the best fit to the data tells, the bounds that fits met, and the diagnosis of the model."""
    finding = partial(Finding, scan=scan, of=(row["analysis"], row["signal"]))
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
        yield finding("unread", message="fit.json cannot be read: pulls, bounds and the model were not looked at")
    if fit is None:
        return
    for warning in fit.get("warnings") or []:
        yield _of_diagnosis(warning, finding)
    if fit.get("parameters"):
        yield from _of_parameters(Parameters.from_json(fit["parameters"]), finding)
        for met in on_bounds(fit, limits):
            yield finding("bounds" if met.matters else "bounds_far_away", message=met.sentence)


def _of_diagnosis(warning: str | dict, finding: partial) -> Finding:
    """A finding of the diagnosis of a model; once they were plain texts."""
    if isinstance(warning, str):
        return finding("doubt", message=warning)
    kind = OF_DIAGNOSIS.get(warning.get("weight"), "doubt")
    message = in_words(warning.get("where", ""), warning["message"], "")
    return finding(kind, message=message, about=warning.get("kind", ""), advice=warning.get("advice", ""))


def warning_text(warning: str | dict) -> str:
    """All that a warning of the diagnosis of a model says."""
    if isinstance(warning, str):
        return warning
    return in_words(warning.get("where", ""), warning["message"], warning.get("advice", ""))


def is_untidy(warning: str | dict) -> bool:
    """Whether a warning of the diagnosis changes no limit."""
    return not isinstance(warning, str) and warning.get("weight") == UNTIDY


def _of_parameters(parameters: Parameters, finding: partial) -> Iterator[Finding]:
    large = [(name, pull) for name, pull, _ in largest_pulls(parameters) if abs(pull) > LARGE_PULL]
    if large:
        name, pull = large[0]
        number = f"{len(large)} pulls" if len(large) > 1 else "a pull"
        text = f"{number} beyond {LARGE_PULL:g}, {'the largest ' if len(large) > 1 else ''}{pull:+.2g} of {name}"
        yield finding("pulls", message=text, rank=-abs(pull))


def largest_pulls(parameters: Parameters) -> list[tuple[str, float, float]]:
    """(name, pull, error in units of the constraint) of all constrained parameters, the largest pull first."""
    indices = [i for i in constrained_and_free(parameters)[0] if parameters.values[i] is not None]
    found = zip(indices, *pulls(parameters, indices), strict=True)
    named = [(parameters.names[i], float(pull), float(error)) for i, pull, error in found]
    return sorted(named, key=lambda each: -abs(each[1]))


def fine(found: list[Finding]) -> str:
    """What was looked at, if there is nothing but notes."""
    blinded = any(each.kind == "blinded" for each in found)
    hidden = "; of blind analyses only the expected limits and the models were looked at" if blinded else ""
    return (
        "every limit has the status ok and every observed one is inside of its expected 2 sigma range; goodness of fit "
        f"p >= {POOR_FIT:g}, no pull beyond {LARGE_PULL:g}, no doubt about asymptotic formulae, no parameter at a "
        f"bound, and nothing about a model that could change a limit{hidden}"
    )


def brief(found: list[Finding], most: int = LINES) -> list[tuple[str, str]]:
    """(severity, line) for the most important findings, one line for each kind; notes are left to the report.

    Args:
        found: the worst first.
        most: lines, the one included that says how many more there are.
    """
    told = [each for each in found if each.severity != NOTE]
    failed = [each for each in told if each.severity == FAILED]
    others = grouped([each for each in told if each.severity != FAILED])
    groups = grouped(failed, ("message",)) + others  # each reason of a failure, if there is room
    groups = groups if len(groups) <= most else grouped(failed) + others
    room = most if len(groups) <= most else most - 1
    left = sum(len(group) for group in groups[room:])
    lines = [(group[0].severity, line(group)) for group in groups[:room]]
    return lines + [(NOTE, f"... and {left} more, in the report")] * bool(left)


def grouped(found: list[Finding], by: tuple[str, ...] = ("kind", "about")) -> list[list[Finding]]:
    """Findings that are told in one line: those of a kind, about the same."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for each in found:
        groups.setdefault(tuple(getattr(each, name) for name in by), []).append(each)
    return list(groups.values())


def line(group: list[Finding], letters: int = LETTERS) -> str:
    """The scans that findings are about, and what the worst of them says."""
    worst, scans = group[0], {each.scan for each in group}
    message = printable(worst.message)
    message = message if len(message) <= letters else f"{message[: letters - 1]}…"
    alike = len({each.message for each in group})
    if alike == 1:
        return f"{owners(group)}: {message}"
    if len(scans) == 1:
        return f"{owners(group)}: {message}, and {alike - 1} more of this kind"
    how = "the worst" if group[-1].rank > worst.rank else "for example"
    return f"{owners(group)}, {how} {printable(worst.scan)}: {message}"


def owners(group: list[Finding]) -> str:
    """Scans in words: signals of an analysis are counted if they are many."""
    scans = list(dict.fromkeys(each.scan for each in group))
    if len(scans) <= NAMES:
        return listed([printable(scan) for scan in scans])
    signals: dict[str, dict[str, str]] = {}
    for each in group:
        analysis, signal = each.of
        signals.setdefault(analysis, {}).setdefault(signal, each.scan)
    names = [
        f"{len(scans)} signals of {analysis}" if len(scans) > 1 else next(iter(scans.values()))
        for analysis, scans in signals.items()
    ]
    return listed([printable(name) for name in names], NAMES)
