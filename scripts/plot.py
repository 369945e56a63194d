#!/usr/bin/env python
"""Draw one of the pictures of a scan.

Reads the results that the picture shows, writes a PNG and a PDF, or a folder with several of them.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.plotting.draw import draw_scan
from muscan.plotting.registry import READS, ScanFiles


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--plot", choices=READS, required=True, help="the picture to draw")
    add_options(parse, ScanFiles)
    parse.add_argument(
        "--output", required=True, help="PNG, beside which a PDF is written; or a folder for several pictures"
    )
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    draw_scan(args.plot, args.output, settings_of(args, ScanFiles))


if __name__ == "__main__":
    run(main)
