#!/usr/bin/env python
"""Check a published workspace and its patch set, once for all signals.

Reads a pyhf workspace and, if there is one, a patch set (HEPData's format); writes {"status": "ok"} if both obey pyhf's
schema and belong together, or what is wrong.
"""

import argparse

from muscan.base.files import failure_recorded, write_json
from muscan.base.json_input import MAX_MEGABYTES, read_json
from muscan.base.script import run
from muscan.inputs.published import check_files


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--workspace", required=True, help="pyhf workspace, plain or gzipped")
    parse.add_argument("--patchset", help="patch set, plain or gzipped")
    parse.add_argument("--max-megabytes", type=float, default=MAX_MEGABYTES, help="of a file, when it is unpacked")
    parse.add_argument("--output", required=True)
    args = parse.parse_args(argv)
    with failure_recorded(args.output):
        wrong = check_files(args.workspace, args.patchset, read_json, args.max_megabytes)
        write_json(args.output, {"status": "ok", "wrong_patches": wrong})


if __name__ == "__main__":
    run(main)
