#!/usr/bin/env python
"""Plan the toys of a measurement: for the p-values of a discovery, or for Feldman-Cousins intervals.

Reads model.npz and fit.json, writes {measurement}/plan_0.json.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.inference.signal_point import SignalFiles
from muscan.steps.plan_measurement import MeasurementSettings, plan_measurement


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, SignalFiles, MeasurementSettings)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    plan_measurement(args.output, settings_of(args, SignalFiles), settings_of(args, MeasurementSettings))


if __name__ == "__main__":
    run(main)
