#!/usr/bin/env python
"""Compare the limits from toys with the asymptotic ones.

Reads limits.json of every scan with toys, writes toybased.csv, one row per limit, and the same table as Markdown.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.results.compare_calculators import compare_calculators
from muscan.results.tables import TableSettings


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, TableSettings)
    parse.add_argument("--csv", required=True)
    parse.add_argument("--markdown", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    compare_calculators(args.csv, args.markdown, settings_of(args, TableSettings))


if __name__ == "__main__":
    run(main)
