#!/usr/bin/env python
"""Write down what a run made, and of what: digests of all results and inputs, versions, the configuration.

Reads all results of a configuration, writes manifest.json.
"""

import argparse
import json

from muscan.base.files import write_json
from muscan.base.script import run
from muscan.results.manifest import manifest


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--config", type=json.loads, required=True, help="the configuration, as JSON")
    parse.add_argument("--problems", nargs="+", default=[], help="because of which parts of it were not run")
    parse.add_argument("--output", required=True)
    args = parse.parse_args(argv)
    write_json(args.output, manifest(args.config, args.problems))


if __name__ == "__main__":
    run(main)
