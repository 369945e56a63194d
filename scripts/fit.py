#!/usr/bin/env python
"""Fit all that does not depend on the tested mu.

Reads model.npz, writes fit.json: best fit with HESSE and MINOS uncertainties, the fit that makes the Asimov data,
goodness of fit, and the yields before and after the fit.
"""

import argparse

from muscan.base.options import add_options, settings_of
from muscan.base.script import run
from muscan.steps.fit import FitSettings, fit


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--model", required=True, help="compiled model")
    parse.add_argument("--workspace", help="workspace of the model, for pyhf's engine")
    parse.add_argument("--findings", help="what was left out or changed when histograms were read")
    add_options(parse, FitSettings)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    fit(args.output, args.model, settings_of(args, FitSettings), args.workspace, args.findings)


if __name__ == "__main__":
    run(main)
