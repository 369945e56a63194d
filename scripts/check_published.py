#!/usr/bin/env python
"""Check a published workspace and its patch set, once for all signals.

Reads a pyhf workspace and, if there is one, a patch set in the format of HEPData. Writes {"status": "ok"} and the
patches that cannot be used if both files are valid by pyhf's schema and belong together; otherwise the reason why they
cannot be used.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.check_published import PublishedFiles, check_published


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, PublishedFiles)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    check_published(args.output, settings_of(args, PublishedFiles))


if __name__ == "__main__":
    run(main)
