"""p0 and Z from the toys of a measurement."""

from muscan.config.settings import TOYBASED
from muscan.inference.discovery import NO_EFFECT
from muscan.records.discovery import Discovery
from muscan.toys import pseudo_data
from muscan.toys.discovery import (
    MEDIAN,
    P0,
    DiscoveryToys,
    discovery_toys,
    expected_p0,
    observed_p0,
    target_reached,
)
from muscan.toys.pseudo_data import BACKGROUND_ONLY, HYPOTHESES, WITH_SIGNAL
from muscan.toys.samples import OpenedMeasurement, ThrownSample, summary_of_toys
from muscan.toys.tail_counts import MIN_TAIL_TOYS
from muscan.toys.tail_fraction import significance

OBSERVED, EXPECTED = "observed", "expected"
CASES = 5  # expected values


def discovery_from_toys(opened: OpenedMeasurement, thrown: list[ThrownSample]) -> Discovery:
    """Return the content of discovery.json."""
    plan = opened.plan
    toys = discovery_toys(thrown)
    used = toys.without_failed()
    failures = {each.sample.hypothesis: each.failure(plan.max_failed_fraction) for each in thrown}
    blinded = opened.result.blinded
    failed = {OBSERVED: failures[BACKGROUND_ONLY], EXPECTED: failures[BACKGROUND_ONLY] or failures[WITH_SIGNAL]}
    status = {name: "fit_failed" for name, reason in failed.items() if reason}
    for name, of_formulae in plan.asymptotics["status"].items():  # toys differ from each other, but not by mu
        if of_formulae == NO_EFFECT.status:
            status[name], failed[name] = NO_EFFECT
    observed = None if blinded or OBSERVED in status else observed_p0(used)
    expected = None if EXPECTED in status else expected_p0(used)
    found = {OBSERVED: observed, EXPECTED: expected and expected[MEDIAN]}
    failed = {name: reason or _too_few(found[name]) for name, reason in failed.items()}
    reached = None
    if plan.target is not None:
        reached = found[EXPECTED if blinded else OBSERVED] is not None and target_reached(used, plan.target)
    counts = {each.sample.hypothesis: pseudo_data.count(each.toys)._asdict() for each in thrown}
    record = Discovery(
        calculator=TOYBASED,
        status={name: _status(p0) for name, p0 in found.items()} | status,
        reason=failed,
        blinded=False,
        mu_hat=plan.mu_hat,
        no_excess=observed and observed.no_excess,
        q0_obs=toys.q_obs,
        **_values(observed),
        **_expected_values(expected),
        failed_toys={name: _with_failed(toys, in_tail) for name, in_tail in (("in_tail", True), ("outside", False))},
        toys=summary_of_toys(plan, thrown, reached) | {name: counts[name] for name in HYPOTHESES},
        asymptotics=plan.asymptotics,
    )
    return record.without_observed() if blinded else record


def _status(p0: P0 | None) -> str:
    if p0 is None:
        return "fit_failed"
    return "ok" if p0.value() is not None else "toys_too_few"


def _too_few(p0: P0 | None) -> str | None:
    """Why there is only an upper bound; None if there is a p0."""
    if p0 is None or p0.value() is not None:
        return None
    tail, total = p0.fraction.tail, p0.fraction.total
    return f"{tail} of {total} toys are in the tail; p0 needs {MIN_TAIL_TOYS} there"


def _values(p0: P0 | None) -> dict:
    """The fields of the observed p0."""
    single = _expected_values([p0])
    return {name.replace("_exp", "_obs"): values[0] for name, values in single.items() if name != "q0_exp"}


def _expected_values(expected: list[P0 | None] | None) -> dict[str, list]:
    """The fields of the expected p0."""
    expected = expected or [None] * CASES
    p0 = [each and each.value() for each in expected]
    bounds = [each.fraction.upper if each and each.value() is None else None for each in expected]
    return {
        "q0_exp": [each and each.q for each in expected],
        "p0_exp": p0,
        "Z_exp": [_significance(each) for each in p0],
        "p0_exp_error": [each and each.error() for each in expected],
        "p0_exp_bound": bounds,
        "Z_exp_bound": [_significance(each) for each in bounds],
    }


def _significance(p0: float | None) -> float | None:
    """Z of p0. If all toys are in the tail there is none: Z would be minus infinity."""
    return None if p0 is None or p0 >= 1 else significance(p0)


def _with_failed(toys: DiscoveryToys, in_tail: bool) -> dict:
    """p0 with the failed toys counted in the tail, or outside of it."""
    counted = toys.with_failed(in_tail)
    observed = None if toys.q_obs is None else observed_p0(counted).value()
    return {"p0_obs": observed, "p0_exp": [each.value() for each in expected_p0(counted)]}
