"""Which fits ended on a bound, in words."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from muscan.base.words import listed
from muscan.records.limits import Limits

NAMES = 3  # in one sentence


class Met(NamedTuple):
    """Parameters that met bounds in the same fits."""

    sentence: str
    matters: bool  # limits may depend on it; not if only tests far above all limits met the bound


def on_bounds(fit: dict, limits: Iterable[Limits]) -> Iterator[Met]:
    """What is said of the parameters that met bounds in the same fits, the POI left out.

    Args:
        fit: fit.json.
        limits: of the same signal, by all calculators.
    """
    limits = list(limits)
    where: dict[tuple[str, float], list[str]] = {}
    met = fit.get("at_bounds", {})
    for parameter, bound in met.get("free", {}).items():
        where.setdefault((parameter, bound), []).append("in the best fit")
    for parameter, bound in met.get("reference", {}).items():
        words = f"in the fit at {fit['poi']} = {fit['reference']['mu']:g} and that of its Asimov data"
        where.setdefault((parameter, bound), []).append(words)
    decisive = set(where)
    largest = max((value for each in limits for value, *_ in each.six() if value is not None), default=float("inf"))
    for place, mu in _tested(limits).items():
        of_mu = f"{fit['poi']} = {min(mu):.4g}"
        many = f"in {len(mu)} tests, of {of_mu} to {max(mu):.4g}" if len(mu) > 1 else f"in the test of {of_mu}"
        where.setdefault(place, []).append(many)
        decisive |= {place} if min(mu) <= largest else set()
    together: dict[tuple[str, ...], list[tuple[str, float]]] = {}
    for place, fits in where.items():
        together.setdefault(tuple(fits), []).append(place)
    for fits, places in together.items():
        many = f"{listed([f'{name} ({bound:g})' for name, bound in places], NAMES)} are at their bounds"
        who = many if len(places) > 1 else f"{places[0][0]} is at its bound {places[0][1]:g}"
        matters = not decisive.isdisjoint(places)
        depend = ": limits depend on it" if matters and fits != ("in the best fit",) else ""
        yield Met(f"{who} {', '.join(fits)}{depend}", matters)
    yield from (Met(sentence, True) for sentence in _of_toys(fit.get("stated_bounds", []), limits))


def _tested(limits: list[Limits]) -> dict[tuple[str, float], set[float]]:
    """Values of mu by the parameter and the stated bound that a fit of their tests met."""
    found: dict[tuple[str, float], set[float]] = {}
    for each in [*limits, *filter(None, (each.asymptotic() for each in limits))]:
        for met in each.at_bounds:
            found.setdefault((met["parameter"], met["bound"]), set()).update(met["mu"])
    return found


def _of_toys(stated: list[str], limits: list[Limits]) -> Iterator[str]:
    """The value of mu at which most toys end on a stated bound."""
    counted = [
        (counts["at_stated_bound"] / counts["thrown"], point["mu"])
        for each in limits
        if each.toys
        for point in each.points
        for counts in point["toys"].values()
        if counts["thrown"]
    ]
    most, mu = max(counted, default=(0.0, 0.0))
    if most:
        yield f"{100 * most:.3g} % of the toys at mu = {mu:.4g} end on a stated bound of {listed(stated, NAMES)}"
