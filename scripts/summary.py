"""What a user should look at first after a run: findings from the table of limits and the fits, the worst on top."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from configuration import TOYBASED, path_name, scan_name
from inference.calculators import RELEVANT, SIGNIFICANT
from inference.errors import StepError
from json_input import read_json
from messages import listed, printable
from pulls import constrained_and_free, pulls
from records import BLINDED, Parameters, statuses
from seals import BrokenResult
from table_rows import is_blinded, scan_of, several_calculators

FAILED, WARNING, NOTE = "failed", "warning", "note"  # how bad a finding is
POOR_FIT = 0.05  # goodness of fit, p-value
LARGE_PULL = 2.0
# Kinds of findings in the order in which they are told.
KINDS = {
    "failed": FAILED,
    "limit": WARNING,
    "asymptotics": WARNING,
    "fit": WARNING,
    "outside": WARNING,
    "pulls": WARNING,
    "bounds": WARNING,
    "tests": WARNING,
    "model": WARNING,
    "unread": WARNING,
    "mu_hat": NOTE,
    "blinded": NOTE,
}
LINES, LETTERS, NAMES = 10, 160, 3  # of the short form: lines, letters in each message, names in each line
COMPARED = {"observed_limit": "observed", "expected": "expected"}  # limits from toys with asymptotic ones
FINE = (
    "every limit has the status ok and every observed one is inside of its expected 2 sigma range; goodness of fit "
    f"p >= {POOR_FIT:g}, no pull beyond {LARGE_PULL:g}, no parameter at a bound, no warning about a model, "
    "no doubt about asymptotic formulae"
)


class Finding(NamedTuple):
    """Something to look at."""

    kind: str
    scan: str  # as people call it
    message: str
    rank: float = 0.0  # within its kind the smallest is told first

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


def findings(rows: list[dict[str, str]], fits: dict[tuple[str, str], dict | None]) -> list[Finding]:
    """All findings, the worst first; in the order of the table where they are equally bad.

    Args:
        rows: of limits.csv, as text.
        fits: what `read_fits` finds.
    """
    several = several_calculators(rows)
    found = [each for row in rows for each in _of_limits(row, scan_of(row, several))]
    found += _of_calculators(rows)
    first = {(row["analysis"], row["signal"]): row for row in reversed(rows)}
    for key in dict.fromkeys((row["analysis"], row["signal"]) for row in rows):
        found += _of_fit(first[key], fits.get(key), scan_name(*key))
    order = list(KINDS)
    return sorted(found, key=lambda each: (order.index(each.kind), each.rank))


def _of_limits(row: dict[str, str], scan: str) -> Iterator[Finding]:
    """Limits that are missing, tests that failed, and an observed limit that is far from the expected ones."""
    missing = set(statuses(row["status"]).values()) - {"ok", BLINDED}
    reason = f" ({row['reason']})" if row["reason"] else ""
    if "fit_failed" in missing:
        yield Finding("failed", scan, f"{row['status']}{reason}")
    elif missing:
        yield Finding("limit", scan, f"{row['status']}{reason}")
    elif row["reason"] and not is_blinded(row):
        yield Finding("tests", scan, f"{row['status']}{reason}")
    yield from (Finding("asymptotics", scan, each) for each in (row.get("warning") or "").split("; ") if each)
    numbers = [row[name] for name in ("observed_limit", "expected_m2", "expected_p2")]
    if all(numbers):
        observed, low, high = map(float, numbers)
        if not low <= observed <= high:
            text = f"observed limit {observed:.4g} outside of the expected 2 sigma range, {low:.4g} to {high:.4g}"
            yield Finding("outside", scan, text, -max(observed / high, low / max(observed, 1e-300)))


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
                text = f"{what}: it is too {'strong' if off < 0 else 'weak'} by about {100 * abs(off):.2g} %"
                yield Finding("asymptotics", scan_of(row, True), f"{text}, use that from toys", -abs(off))


def _of_fit(row: dict[str, str], fit: dict | None, scan: str) -> Iterator[Finding]:
    """What the best fit to the data tells, and the diagnosis of the model."""
    finding = partial(Finding, scan=scan)
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
        yield finding("model", message=warning_text(warning))
    if fit.get("parameters"):
        yield from _of_parameters(Parameters.from_json(fit["parameters"]), fit["poi"], finding)


def warning_text(warning: str | dict) -> str:
    """A warning of the diagnosis of a model."""
    return warning if isinstance(warning, str) else str(warning.get("message", warning))


def _of_parameters(parameters: Parameters, poi: str, finding: partial) -> Iterator[Finding]:
    large = [(name, pull) for name, pull, _ in largest_pulls(parameters) if abs(pull) > LARGE_PULL]
    if large:
        name, pull = large[0]
        number = f"{len(large)} pulls" if len(large) > 1 else "a pull"
        text = f"{number} beyond {LARGE_PULL:g}, {'the largest ' if len(large) > 1 else ''}{pull:+.2g} of {name}"
        yield finding("pulls", message=text, rank=-abs(pull))
    bounded = at_bounds(parameters, poi)
    if bounded:
        yield finding("bounds", message=f"at a bound of the fit: {listed(bounded)}", rank=-len(bounded))


def largest_pulls(parameters: Parameters) -> list[tuple[str, float, float]]:
    """(name, pull, error in units of the constraint) of all constrained parameters, the largest pull first."""
    indices = [i for i in constrained_and_free(parameters)[0] if parameters.values[i] is not None]
    found = zip(indices, *pulls(parameters, indices), strict=True)
    named = [(parameters.names[i], float(pull), float(error)) for i, pull, error in found]
    return sorted(named, key=lambda each: -abs(each[1]))


def at_bounds(parameters: Parameters, poi: str) -> list[str]:
    """Parameters but the POI that the best fit left at a bound."""
    found = zip(parameters.names, parameters.at_bound, parameters.fixed, strict=True)
    return [name for name, bound, fixed in found if bound and not fixed and name != poi]


def brief(found: list[Finding], most: int = LINES) -> list[tuple[str, str]]:
    """(severity, line) for the most important findings: of every kind the worst, then more as long as there is room.

    Args:
        most: lines, the one included that says how many more there are.
    """
    groups: dict[tuple[str, str], list[Finding]] = {}
    for each in found:
        groups.setdefault((each.kind, each.message), []).append(each)
    position: dict[str, int] = {}
    places = []
    for number, (kind, _) in enumerate(groups):
        position[kind] = position.get(kind, -1) + 1
        places.append((position[kind], number))
    room = most if len(groups) <= most else most - 1
    chosen = sorted(number for _, number in sorted(places)[:room])
    several = list(groups.values())
    lines = [(several[number][0].severity, _line(several[number])) for number in chosen]
    left = sum(len(each) for each in several) - sum(len(several[number]) for number in chosen)
    return lines + [(NOTE, f"... and {left} more")] * bool(left)


def _line(group: list[Finding]) -> str:
    """One message, and the scans that it is about."""
    message = printable(group[0].message)
    message = message if len(message) <= LETTERS else f"{message[: LETTERS - 1]}…"
    return f"{listed([printable(each.scan) for each in group], NAMES)}: {message}"
