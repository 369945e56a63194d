"""What is said of asymptotic limits after a check by toys, or by the events that they rest on, see
`toys.asymptotics_check`."""

from dataclasses import replace

from muscan.base.errors import FitError
from muscan.base.words import format_deviation
from muscan.config.mu_values import AUTO
from muscan.inference.calculators import RELEVANT
from muscan.inference.hypotest import Prepared
from muscan.records.limits import Limits
from muscan.toys import asymptotics_check
from muscan.toys.asymptotics_check import AFFORDABLE, LimitCheck, differs
from muscan.toys.sensitivity import ACCEPTED_ERROR, Sensitivity, sensitivities
from muscan.toys.weighted import CLsEstimate

NAMES = ("observed", "expected")  # the limits that are checked; the median of the expected ones
BY_TOYS, BY_EVENTS = "toys", "events"
ADVICE = "Add toybased to calculators"
MEDIAN = 2  # among the expected limits


def with_check(engine, prepared: Prepared, limits: Limits, wanted: str, toybased: bool, seed: int) -> Limits:
    """Asymptotic limits with what a check says of the observed and of the median expected one.

    Args:
        engine, prepared: what made them.
        wanted: "auto", "true" or "false".
        toybased: whether there are limits from toys beside them.
        seed: of the toys.
    """
    values = {"observed": limits.observed_limit or None, "expected": limits.expected_limit[MEDIAN] or None}
    reason = _why_not(limits, values, wanted, toybased)
    if reason is None:
        try:
            return replace(limits, check=_check(engine, prepared, limits, values, wanted, seed))
        except FitError as error:
            reason = f"a fit failed: {error}"
    return replace(limits, check={"by": None, "reason": reason, "warnings": []})


def _why_not(limits: Limits, values: dict[str, float | None], wanted: str, toybased: bool) -> str | None:
    if wanted not in (AUTO, "true"):
        return "check_asymptotics is false"
    if not any(values.values()):
        return "neither the observed nor the median expected limit is a number above zero"
    if wanted == AUTO and toybased:
        return "limits from toys stand beside the asymptotic ones"
    return None


def _check(engine, prepared: Prepared, limits: Limits, values: dict, wanted: str, seed: int) -> dict:
    alpha, statistic = 1 - limits.confidence_level, limits.test_statistic
    needed = asymptotics_check.estimated_seconds(engine)
    if wanted == AUTO and needed > AFFORDABLE:
        return _by_events(engine, prepared, values, f"toys would take about {needed:.1g} s of a core")
    both, with_minuit = tuple(values.values()), wanted != AUTO
    result = asymptotics_check.check_by_toys(engine, prepared, both, statistic, alpha, seed, with_minuit)
    too_many = result.failed > asymptotics_check.MAX_FAILED * result.thrown
    if too_many and not with_minuit:
        return _by_events(engine, prepared, values, "toys would take long, as Newton steps do not finish all fits")
    said = {}
    for name, each in zip(NAMES, (result.observed, result.expected), strict=True):
        said[name] = each and _of_toys(name, each, alpha, result.failed if too_many else 0)
    counts = {"seed": seed, "toys": result.thrown, "failed_toys": result.failed}
    return {"by": BY_TOYS, "reason": None, **counts, **said, "warnings": _warnings(said)}


def _by_events(engine, prepared: Prepared, values: dict, why: str) -> dict:
    """The check without toys.

    Args:
        why: toys are not thrown unasked.
    """
    known = {name: value for name, value in values.items() if value is not None}
    found = sensitivities(engine, prepared, list(known.values()))
    said = dict.fromkeys(values) | {
        name: _of_events(name, value, each) for (name, value), each in zip(known.items(), found, strict=True)
    }
    reason = f"{why}; check_asymptotics: true throws them"
    return {"by": BY_EVENTS, "reason": reason, **said, "warnings": _warnings(said)}


def _warnings(said: dict[str, dict | None]) -> list[str]:
    return [each["warning"] for each in said.values() if each and each["warning"]]


def _of_events(name: str, mu: float, found: Sensitivity) -> dict:
    """What the events in the bins that carry the sensitivity say of a limit."""
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


def _of_toys(name: str, found: LimitCheck, alpha: float, failed: int) -> dict:
    """What toys say of a limit.

    Args:
        failed: toys whose fits failed, if they are too many.
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
        said = (
            f"CLs there is {with_error(*cls)}" if cls.is_known() else "too few are as far from the signal as the data"
        )
        verdict, warning = "unknown", f"{subject} could not be checked by toys: {said}. {ADVICE}"
    return numbers | {"verdict": verdict, "warning": warning}


def _difference(subject: str, found: LimitCheck, alpha: float) -> str | None:
    """How far off a limit is; None if that does not matter."""
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
    """A number with its statistical error, to the second digit of the error."""
    if error < 1e-3 * value:
        return f"{value:.4g}"
    digits = max(0, 1 - int(f"{error:.1e}".partition("e")[2]))
    return f"{value:.{digits}f} ± {error:.{digits}f}"
