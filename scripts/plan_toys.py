#!/usr/bin/env python
"""Plan the toys of a signal: which values of mu, from which fits, how many.

Reads model.npz and fit.json, writes toybased/plan_0.json. Without a target for the uncertainty of the limits, every
value of mu gets the same number of toys. With one, the asymptotic limits say where toys are worth while; a first few
are planned here, and allocate_toys.py adds to them.
"""

import argparse
from collections.abc import Callable

import numpy as np

from files import failure_recorded, made_by, run, write_json
from inference.errors import FitError, InputError
from inference.hypotest import hypotests
from inference.pilot import Pilot
from invert import Curves, collect
from records import FitResult, Limits, ToyPlan, ToyPoint
from signal_point import arguments, load, run_tests, values_of_mu

# Where the limits decide the values of mu: their ratio, and how far below all asymptotic limits they begin. Toys come
# where asymptotics fail, and asymptotic limits of a few events are too low by up to a half.
RATIO, BELOW = 1.14, 0.6
MOST_VALUES = 20  # then the ratio is larger; limits so far apart come from slow tails, which need no closer points
PILOT_STEP = 1.25  # from one value of mu to the next when the end of the scan is looked for
FIRST_BLOCKS = (1, 2)  # of signal+background and of background-only toys


def mu_near_limits(limits: Limits, excluded: Callable[[float], bool], bound: float) -> list[float]:
    """Values of mu from below all asymptotic limits to beyond all limits of toys; none if there are no limits.

    Args:
        excluded: whether toys exclude a value in all six cases.
        bound: the largest mu that fits can reach.
    """
    known = [each for value, *_, end in limits.six() for each in (value, end) if each]
    if not known:
        return []
    low, high = BELOW * min(known), min(max(known), bound)
    while not excluded(high) and high < bound:
        high = min(high * PILOT_STEP, bound)
    while high > low * PILOT_STEP and excluded(high / PILOT_STEP):
        high /= PILOT_STEP
    high = min(high * RATIO**2, bound)
    number = min(int(np.ceil(np.log(high / low) / np.log(RATIO))) + 1, MOST_VALUES)
    return [rounded(value, bound) for value in np.geomspace(low, high, number)]


def rounded(mu: float, bound: float) -> float:
    """A value of mu that is pleasant to read, and which fits can reach."""
    return min(float(f"{mu:.4g}"), float(bound))


def planned(engine, prepared, mu: list[float], test_statistic: str, blocks: tuple[int, int]) -> list[ToyPoint]:
    """Fits to the data with mu held; no toys are planned where they fail, nor at mu = 0, where CLs is 1."""
    found = []
    for value, tested in zip(mu, hypotests(engine, prepared, mu, test_statistic, "asymptotics"), strict=True):
        if isinstance(tested, FitError):
            found.append(ToyPoint(value, "fit_failed", str(tested)))
            continue
        signal, background = ([number] if value > 0 else [] for number in blocks)
        numbers = (tested.q_obs, tested.q_asimov, tested.parameters.tolist())
        found.append(ToyPoint(value, "ok", None, *numbers, signal, background, tested.at_bounds))
    return found


def asymptotic_limits(engine, prepared, mu: list[float], result: FitResult, confidence_level: float) -> Limits:
    """What the toys are compared with, and begin from."""

    def test(values: list[float]):
        return run_tests(engine, prepared, values, result, "asymptotics")

    curves = Curves(test(mu), test)
    kind = {"calculator": "asymptotics", "test_statistic": result.test_statistic}
    limits = collect(curves.limits(1 - confidence_level), curves, confidence_level, **kind)
    return limits.blinded() if result.blinded else limits


def parser() -> argparse.ArgumentParser:
    parse = arguments(__doc__)
    parse.add_argument("--mu", type=float, nargs="+", help="values of the scan; default: around the asymptotic limits")
    parse.add_argument("--confidence-level", type=float, default=0.95)
    parse.add_argument("--seed", type=int, default=0)
    parse.add_argument("--block", type=int, default=1000, help="toys of a block")
    number = parse.add_mutually_exclusive_group(required=True)
    number.add_argument("--per-hypothesis", type=int, help="toys of each hypothesis at each mu")
    number.add_argument("--target", type=float, help="relative error of the observed and median expected limit")
    parse.add_argument("--max", type=int, help="toys in all, with --target")
    parse.add_argument("--max-failed-fraction", type=float, default=0.01)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    with failure_recorded(args.output):
        engine, prepared, result = load(args.model, args.fit, args.workspace)
        statistic = result.test_statistic
        mu = values_of_mu(args.mu, result)
        asymptotics = asymptotic_limits(engine, prepared, mu, result, args.confidence_level)
        blocks = FIRST_BLOCKS if args.target else (-(-args.per_hypothesis // args.block),) * 2
        if args.target or not args.mu:
            pilot = Pilot(engine, prepared, statistic, 1 - args.confidence_level, args.seed)
            bound = engine.model.bounds[engine.model.poi, 1]
            mu = mu_near_limits(asymptotics, pilot.excludes, bound) or mu
        plan = ToyPlan(
            test_statistic=statistic,
            confidence_level=args.confidence_level,
            seed=args.seed,
            block=args.block,
            max_failed_fraction=args.max_failed_fraction,
            target=args.target,
            max=args.max,
            points=planned(engine, prepared, mu, statistic, blocks),
            asymptotics=asymptotics.to_json(),
            made_by=made_by([args.model, args.fit]),
        )
        if args.max is not None and plan.toys() > args.max:
            raise InputError(
                f"the first round alone throws {plan.toys()} toys: raise max ({args.max}) or make block smaller"
            )
        write_json(args.output, plan.to_json())


if __name__ == "__main__":
    run(main)
