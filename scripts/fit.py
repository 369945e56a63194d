#!/usr/bin/env python
"""Run the fits that do not depend on the tested mu.

Reads model.npz, writes fit.json: best fit with HESSE and MINOS uncertainties, the fit that defines the Asimov
data, goodness of fit, and the yields before and after the fit.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.fit import FitFiles, FitSettings, fit


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, FitFiles, FitSettings)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    fit(args.output, settings_of(args, FitFiles), settings_of(args, FitSettings))


if __name__ == "__main__":
    run(main)
