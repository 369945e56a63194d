#!/usr/bin/env python
"""Compile a workspace into the arrays that the fits work on.

Reads workspace.json, writes model.npz, which NumPy alone can read.
"""

import argparse

from files import failure_recorded, named, read_result, run, write_bytes
from inference.compile import compile_workspace
from inference.model import INTERPOLATIONS, to_bytes


def main(argv: list[str] | None = None) -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--workspace", required=True, help="pyhf workspace")
    for kind, codes in INTERPOLATIONS.items():
        parse.add_argument(f"--{kind}", choices=codes, default=codes[0], help=f"interpolation of {kind}")
    parse.add_argument("--output", required=True)
    args = parse.parse_args(argv)
    with failure_recorded(args.output):
        interpolation = {kind: getattr(args, kind) for kind in INTERPOLATIONS}
        workspace = read_result(args.workspace)
        with named(args.workspace):
            model = compile_workspace(workspace, interpolation)
        write_bytes(args.output, to_bytes(model))


if __name__ == "__main__":
    run(main)
