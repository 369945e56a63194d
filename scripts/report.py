#!/usr/bin/env python
"""Write a page with all results of a run, and with what they mean.

Reads all results of a configuration, writes report.html. With --embed the pictures are a part of the page.
"""

import argparse
import json
from pathlib import Path

import yaml

from muscan.base.files import write_text
from muscan.base.json_input import read_json
from muscan.base.script import run
from muscan.report.page import render
from muscan.report.report import CAPTIONS, TEMPLATE, Results, content


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    source = parse.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", type=json.loads, help="the configuration, as JSON")
    source.add_argument("--manifest", help="manifest.json of a run, which has it")
    parse.add_argument("--problems", nargs="+", default=[], help="of the configuration")
    parse.add_argument("--embed", action="store_true", help="pictures are a part of the page")
    parse.add_argument("--output", type=Path, required=True)
    args = parse.parse_args(argv)
    if args.manifest:
        manifest = read_json(args.manifest)
        config, problems = manifest["config"], manifest["problems"]
    else:
        config, problems = args.config, args.problems
    captions = yaml.safe_load(CAPTIONS.read_text(encoding="utf-8"))
    page = render(TEMPLATE, args.output.parent, args.embed, content(Results(config, captions), problems))
    write_text(args.output, page)
    if args.embed:
        print(f"{args.output}: all results of the last run in one file, {len(page.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
