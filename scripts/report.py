#!/usr/bin/env python
"""Write an HTML page with all results of a run and an explanation of them.

Reads all results of a configuration, writes report.html. With --embed the pictures are embedded in the page.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.report.write import ReportSettings, write_report


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, ReportSettings)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    write_report(args.output, settings_of(args, ReportSettings))


if __name__ == "__main__":
    run(main)
