#!/usr/bin/env python
"""Draw one of the pictures of a scan."""

import argparse
from importlib import import_module

from muscan.base.script import run


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__, add_help=False, allow_abbrev=False)
    parse.add_argument("--plot", required=True, help="its name; the other options depend on it")
    args, rest = parse.parse_known_args(argv)
    import_module(f"muscan.plotting.{args.plot}").main(rest)


if __name__ == "__main__":
    run(main)
