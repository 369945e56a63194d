#!/usr/bin/env python
"""Record what a run has produced and from what: digests of all results and inputs, versions, the configuration.

Reads all results of a configuration, writes manifest.json.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.results.manifest import RunSettings, write_manifest


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, RunSettings)
    parse.add_argument("--output", required=True)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    write_manifest(args.output, settings_of(args, RunSettings))


if __name__ == "__main__":
    run(main)
