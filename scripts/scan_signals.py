#!/usr/bin/env python
"""Run all steps of the signals of an analysis, one signal after the other.

Writes for each signal what the scripts of these steps write, byte by byte; in one process, because starting Python
takes longer than such a step. A failure of one signal is recorded in its files, and the others go on.
"""

import argparse
from pathlib import Path
from urllib.parse import unquote

from muscan.base.options import add_options, settings_of
from muscan.base.script import run
from muscan.steps.build_workspace import BuildSettings
from muscan.steps.compile_model import CompileSettings
from muscan.steps.fit import FitSettings
from muscan.steps.invert import InvertSettings
from muscan.steps.patch_workspace import PatchSettings, Published
from muscan.steps.scan_signals import StepSettings, scan_signal


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    kind = parse.add_mutually_exclusive_group(required=True)
    kind.add_argument("--histograms", help="CSV: [channel,] bin_low, bin_high, templates, observed")
    kind.add_argument("--workspace", help="pyhf workspace, plain or gzipped")
    parse.add_argument("--findings", help="what was left out or changed when histograms were read")
    parse.add_argument("--checked", help="what check_published.py wrote about the workspace and its patches")
    source = parse.add_mutually_exclusive_group()
    source.add_argument("--patchset", help="patch set, plain or gzipped")
    source.add_argument("--patches", nargs="+", help="JSON patches, one for each signal")
    add_options(parse, BuildSettings, PatchSettings, required=False)
    add_options(parse, CompileSettings, FitSettings, InvertSettings)
    parse.add_argument("--mu", nargs="+", help="values of the scan; default: as the limits need")
    parse.add_argument("--no-tests", action="store_true", help="stop after the fits")
    parse.add_argument("--folder", type=Path, required=True, help="of the analysis; each signal has a folder there")
    parse.add_argument("--signals", nargs="+", required=True, help="names of the signals in paths")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    settings = StepSettings(
        settings_of(args, PatchSettings if args.workspace else BuildSettings),
        settings_of(args, CompileSettings),
        settings_of(args, FitSettings),
        None if args.no_tests else settings_of(args, InvertSettings),
    )
    patches = args.patches or [None] * len(args.signals)
    for signal, patch in zip(args.signals, patches, strict=True):
        name = unquote(signal)
        print(f"{name}:", flush=True)
        source = args.histograms or Published(args.workspace, args.checked, name, args.patchset, patch)
        scan_signal(args.folder / signal, source, settings, args.mu, args.findings)


if __name__ == "__main__":
    run(main)
