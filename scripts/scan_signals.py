#!/usr/bin/env python
"""Run all steps of the signals of an analysis, one signal after the other.

Writes for each signal the same files, byte by byte, as the scripts of the single steps. All run in one process, because
starting Python takes longer than such a step. A failure of one signal is recorded in its files; the others continue.
"""

from muscan.base.script import run

import argparse

from muscan.base.options import add_options, settings_of
from muscan.steps.build_workspace import BuildSettings
from muscan.steps.compile_model import CompileSettings
from muscan.steps.fit import FitSettings
from muscan.steps.invert import InvertSettings
from muscan.steps.patch_workspace import PatchSettings
from muscan.steps.scan_signals import Pack, StepSettings, scan_signals


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    add_options(parse, Pack, CompileSettings, InvertSettings, FitSettings)
    add_options(parse, BuildSettings, PatchSettings, required=False)
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    pack = settings_of(args, Pack)
    settings = StepSettings(
        settings_of(args, PatchSettings if pack.workspace else BuildSettings),
        settings_of(args, CompileSettings),
        settings_of(args, FitSettings),
        settings_of(args, InvertSettings) if pack.tests else None,
    )
    scan_signals(pack, settings)


if __name__ == "__main__":
    run(main)
