#!/usr/bin/env python
"""Plan the toys of a signal: at which values of mu, from which fits, and how many.

Reads model.npz and fit.json, writes toybased/plan_0.json.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.inference.signal_point import SignalFiles
from muscan.steps.plan_toys import PlanSettings, plan_toys


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, SignalFiles, PlanSettings)
    parse.add_argument(
        "--mu", type=float, nargs="*", default=[], help="values of mu; default: values around the asymptotic limits"
    )
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    plan_toys(args.output, settings_of(args, SignalFiles), args.mu, settings_of(args, PlanSettings))


if __name__ == "__main__":
    run(main)
