"""Say which parameters ended at a bound in the fits of a signal."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from muscan.base.words import join_items
from muscan.records.limits import Limits

NAMES = 3  # parameters in one sentence
BEST_FIT = "in the best fit"
Bound = tuple[str, float]  # a parameter and the value of its bound


class BoundsMessage(NamedTuple):
    """A sentence about parameters that ended at their bounds in the same fits."""

    sentence: str
    matters: bool  # whether limits may depend on it; not if only tests far above all limits ended at the bound


def describe_bounds_met(fit: dict, limits: Iterable[Limits]) -> Iterator[BoundsMessage]:
    """Describe all fits of a signal that ended at bounds of parameters, except those of the POI.

    Parameters that ended at their bounds in the same fits share a message.

    Args:
        fit: fit.json of the signal.
        limits: limits.json of the signal, by all calculators.
    """
    limits = list(limits)
    fits_by_bound = _fits_at_bounds(fit)
    decisive = set(fits_by_bound)
    largest = max((value for scan in limits for value, *_ in scan.entries() if value is not None), default=float("inf"))
    for bound, mu in _tests_at_bounds(limits).items():
        fits_by_bound.setdefault(bound, []).append(_describe_tests(fit["poi"], mu))
        decisive |= {bound} if min(mu) <= largest else set()
    bounds_by_fits: dict[tuple[str, ...], list[Bound]] = {}
    for bound, fits in fits_by_bound.items():
        bounds_by_fits.setdefault(tuple(fits), []).append(bound)
    for fits, bounds in bounds_by_fits.items():
        matters = not decisive.isdisjoint(bounds)
        yield BoundsMessage(_describe_bounds(bounds, fits, matters), matters)
    yield from (BoundsMessage(sentence, True) for sentence in _describe_toys(fit.get("stated_bounds", []), limits))


def _fits_at_bounds(fit: dict) -> dict[Bound, list[str]]:
    """Return which of the fits that do not depend on the tested mu ended at each bound, in words."""
    fits_by_bound: dict[Bound, list[str]] = {}
    met = fit.get("at_bounds", {})
    for bound in met.get("free", {}).items():
        fits_by_bound.setdefault(bound, []).append(BEST_FIT)
    for bound in met.get("reference", {}).items():
        words = f"in the fit at {fit['poi']} = {fit['reference']['mu']:g} that defines the Asimov data"
        fits_by_bound.setdefault(bound, []).append(words)
    return fits_by_bound


def _tests_at_bounds(limits: list[Limits]) -> dict[Bound, set[float]]:
    """Return the values of mu whose tests ended at each stated bound."""
    mu_by_bound: dict[Bound, set[float]] = {}
    for scan in [*limits, *filter(None, (scan.asymptotic_limits() for scan in limits))]:
        for met in scan.at_bounds:
            mu_by_bound.setdefault((met["parameter"], met["bound"]), set()).update(met["mu"])
    return mu_by_bound


def _describe_tests(poi: str, mu: set[float]) -> str:
    first = f"{poi} = {min(mu):.4g}"
    return f"in {len(mu)} tests from {first} to {max(mu):.4g}" if len(mu) > 1 else f"in the test of {first}"


def _describe_bounds(bounds: list[Bound], fits: tuple[str, ...], matters: bool) -> str:
    if len(bounds) > 1:
        names = join_items([f"{name} ({bound:g})" for name, bound in bounds], NAMES)
        subject, pronoun = f"{names} are at their bounds", "them"
    else:
        subject, pronoun = f"{bounds[0][0]} is at its bound {bounds[0][1]:g}", "it"
    consequence = f": limits depend on {pronoun}" if matters and fits != (BEST_FIT,) else ""
    return f"{subject} {', '.join(fits)}{consequence}"


def _describe_toys(stated: list[str], limits: list[Limits]) -> Iterator[str]:
    """Describe the value of mu at which most toys ended at a stated bound, if any did."""
    fractions = [
        (counts["at_stated_bound"] / counts["thrown"], point["mu"])
        for scan in limits
        if scan.toys
        for point in scan.points
        for counts in point["toys"].values()
        if counts["thrown"]
    ]
    most, mu = max(fractions, default=(0.0, 0.0))
    if most:
        yield f"{100 * most:.3g} % of the toys at mu = {mu:.4g} end at a stated bound of {join_items(stated, NAMES)}"
