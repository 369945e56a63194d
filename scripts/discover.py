#!/usr/bin/env python
"""Calculate the significance of an excess.

Reads model.npz and fit.json, writes discovery.json: q0, p0 and Z, observed and expected for mu = 1.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.inference.signal_point import SignalFiles
from muscan.steps.discover import discover


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, SignalFiles)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    discover(args.output, settings_of(args, SignalFiles))


if __name__ == "__main__":
    run(main)
