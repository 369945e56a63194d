"""The check of asymptotic limits by toys, or by the numbers of events on which they rest, and its warnings.

The calculations are in `toys.asymptotics_check` and `toys.sensitivity`.
"""

from dataclasses import replace

from muscan.base.errors import FitError
from muscan.base.words import format_deviation
from muscan.config.mu_values import AUTO
from muscan.inference.calculators import RELEVANT
from muscan.inference.engine import Engine
from muscan.inference.hypotest import Prepared
from muscan.records.limits import Limits
from muscan.toys import asymptotics_check
from muscan.toys.asymptotics_check import AFFORDABLE, LimitCheck, differs
from muscan.toys.sensitivity import ACCEPTED_ERROR, Sensitivity, sensitivities
from muscan.toys.weighted import CLsEstimate

NAMES = ("observed", "expected")  # limits that are checked: the observed and the median expected one
BY_TOYS, BY_EVENTS = "toys", "events"
ADVICE = "Add toybased to calculators"
MEDIAN = 2  # position among the expected limits


def with_check(
    engine: Engine, prepared: Prepared, limits: Limits, check_asymptotics: str, toybased: bool, seed: int
) -> Limits:
    """Return asymptotic limits with the result of a check of the observed and the median expected one.

    Args:
        engine: that has made the limits.
        prepared: the fits that do not depend on mu.
        limits: from asymptotic formulae.
        check_asymptotics: "auto", "true" or "false".
        toybased: whether limits from toys are computed too.
        seed: of the toys.
    """
    values = {"observed": limits.observed_limit or None, "expected": limits.expected_limit[MEDIAN] or None}
    reason = _reason_for_no_check(limits, values, check_asymptotics, toybased)
    if reason is None:
        try:
            return replace(limits, check=_check(engine, prepared, limits, values, check_asymptotics, seed))
        except FitError as error:
            reason = f"a fit failed: {error}"
    return replace(limits, check={"by": None, "reason": reason, "warnings": []})


def _reason_for_no_check(
    limits: Limits, values: dict[str, float | None], check_asymptotics: str, toybased: bool
) -> str | None:
    if check_asymptotics not in (AUTO, "true"):
        return "check_asymptotics is false"
    if not any(values.values()):
        return "neither the observed nor the median expected limit is a number above zero"
    if check_asymptotics == AUTO and toybased:
        return "limits from toys are computed too"
    return None


def _check(
    engine: Engine,
    prepared: Prepared,
    limits: Limits,
    values: dict[str, float | None],
    check_asymptotics: str,
    seed: int,
) -> dict:
    alpha, statistic = 1 - limits.confidence_level, limits.test_statistic
    needed = asymptotics_check.estimated_seconds(engine)
    if check_asymptotics == AUTO and needed > AFFORDABLE:
        return _by_events(engine, prepared, values, f"toys would take about {needed:.1g} s of a core")
    both, with_minuit = tuple(values.values()), check_asymptotics != AUTO
    result = asymptotics_check.check_by_toys(engine, prepared, both, statistic, alpha, seed, with_minuit)
    too_many = result.failed > asymptotics_check.MAX_FAILED * result.thrown
    if too_many and not with_minuit:
        return _by_events(engine, prepared, values, "toys would take long, as Newton steps do not finish all fits")
    checks = {}
    for name, each in zip(NAMES, (result.observed, result.expected), strict=True):
        checks[name] = each and _check_of_toys(name, each, alpha, result.failed if too_many else 0)
    counts = {"seed": seed, "toys": result.thrown, "failed_toys": result.failed}
    return {"by": BY_TOYS, "reason": None, **counts, **checks, "warnings": _warnings(checks)}


def _by_events(engine: Engine, prepared: Prepared, values: dict[str, float | None], why: str) -> dict:
    """The check without toys.

    Args:
        engine: that has made the limits.
        prepared: the fits that do not depend on mu.
        values: of the limits.
        why: the reason why toys are not thrown unless the configuration asks for them.
    """
    known = {name: value for name, value in values.items() if value is not None}
    found = sensitivities(engine, prepared, list(known.values()))
    checks = dict.fromkeys(values) | {
        name: _check_of_events(name, value, each) for (name, value), each in zip(known.items(), found, strict=True)
    }
    reason = f"{why}; check_asymptotics: true throws them"
    return {"by": BY_EVENTS, "reason": reason, **checks, "warnings": _warnings(checks)}


def _warnings(checks: dict[str, dict | None]) -> list[str]:
    return [check["warning"] for check in checks.values() if check and check["warning"]]


def _check_of_events(name: str, mu: float, found: Sensitivity) -> dict:
    """The check of one limit by the events in the bins that carry the sensitivity."""
    doubts = []
    if found.error_by_events():
        doubts.append(f"rests on about {found.events:.2g} events in the bins that carry the sensitivity")
    if found.error_by_signal():
        doubts.append(f"is from a fit that scales the signal by {found.signal:.2g} within its uncertainties")
    off = max(found.error_by_events(), found.error_by_signal())
    warning = None
    if off > ACCEPTED_ERROR:
        text = f"asymptotic {name} limit {mu:.4g} {' and '.join(doubts)}: it may be off by up to {100 * off:.2g} %"
        warning = f"{text}. Set check_asymptotics: true, or add toybased to calculators"
    verdict = "doubtful" if doubts else "agrees"
    return {
        "mu": mu,
        "events": found.events,
        "signal": found.signal,
        "off": off,
        "verdict": verdict,
        "warning": warning,
    }


def _check_of_toys(name: str, found: LimitCheck, alpha: float, failed: int) -> dict:
    """The check of one limit by toys.

    Args:
        name: of the limit.
        found: result of the toys.
        alpha: 1 - confidence level.
        failed: number of toys whose fits failed, if these are too many; otherwise 0.
    """
    cls = found.CLs if found.CLs.is_known() and not failed else CLsEstimate(float("nan"), float("nan"))
    numbers = {
        "mu": found.mu,
        "CLs": cls.value if cls.is_known() else None,
        "CLs_error": cls.error if cls.is_known() else None,
        "limit": found.limit,
        "limit_error": found.limit_error,
    }
    subject, verdict, warning = f"asymptotic {name} limit {found.mu:.4g}", "agrees", None
    if failed:
        verdict, warning = "unknown", f"{subject} could not be checked: the fits of {failed} toys failed. {ADVICE}"
    elif differs(cls, alpha):
        verdict = "differs"
        warning = _difference(subject, found, alpha)
    elif cls.relative_error() > asymptotics_check.UNKNOWN:
        problem = (
            f"CLs there is {with_error(*cls)}" if cls.is_known() else "too few are as far from the signal as the data"
        )
        verdict, warning = "unknown", f"{subject} could not be checked by toys: {problem}. {ADVICE}"
    return numbers | {"verdict": verdict, "warning": warning}


def _difference(subject: str, found: LimitCheck, alpha: float) -> str | None:
    """The warning about a limit that differs from toys; None if the difference is not relevant."""
    strong = "too strong" if found.CLs.value > alpha else "too weak"
    text = f"{subject}, but toys find CLs = {with_error(*found.CLs)}, not {alpha:.4g}: {strong}"
    if found.limit is None:
        beyond = "" if found.beyond is None else f", CLs is not {alpha:.4g} up to mu = {found.beyond:.4g} either"
        return f"{text}{beyond}. {ADVICE}"
    off = abs(found.mu / found.limit - 1)
    if off <= RELEVANT:
        return None
    deviation = format_deviation(found.mu / found.limit)
    return f"{text} by {deviation} (about {with_error(found.limit, found.limit_error)}). {ADVICE}"


def with_error(value: float, error: float) -> str:
    """Return a number with its statistical error as text, rounded to two digits of the error."""
    if error < 1e-3 * value:
        return f"{value:.4g}"
    digits = max(0, 1 - int(f"{error:.1e}".partition("e")[2]))
    return f"{value:.{digits}f} ± {error:.{digits}f}"
