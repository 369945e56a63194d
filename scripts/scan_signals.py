#!/usr/bin/env python
"""Run all steps of the signals of an analysis, one signal after the other.

Writes for each signal what build_workspace.py or patch_workspace.py, compile_model.py, fit.py, hypotest.py and
invert.py write, byte by byte; in one process, because starting Python takes longer than such a step. A failure of one
signal is recorded in its files, and the others go on.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import build_workspace
import compile_model
import fit
import hypotest
import invert
import patch_workspace
from configuration import as_options, mu_jobs
from files import run
from inference.engines import ENGINES
from inference.model import INTERPOLATIONS


def steps(args: argparse.Namespace, signal: str, patch: str | None) -> Iterator[tuple[Callable, list[str]]]:
    """The steps of a signal: functions and their command lines.

    Args:
        args: the command line of this script.
        signal: its name in paths.
        patch: its file, if it is a loose patch.
    """
    folder = args.folder / signal
    blind = ["--blind"] * args.blind
    workspace, model, fitted = (str(folder / name) for name in ("workspace.json", "model.npz", "fit.json"))
    if args.histograms:
        source = {"histograms": args.histograms, "model": args.model}
        yield build_workspace.main, as_options({**source, "output": workspace}) + blind
    else:
        source = {
            key: getattr(args, key) for key in ("workspace", "patchset", "measurement", "max_megabytes", "checked")
        }
        source |= {"patch": patch, "signal": unquote(signal)}
        yield patch_workspace.main, as_options({**source, "output": workspace}) + blind
    codes = {kind: getattr(args, kind) for kind in INTERPOLATIONS}
    yield compile_model.main, as_options({"workspace": workspace, **codes, "output": model})
    engine = {"workspace": workspace if args.engine == "pyhf" else None}
    kind = {"test_statistic": args.test_statistic, "confidence_level": args.confidence_level}
    bound = {"engine": args.engine, "poi_bound": args.poi_bound}
    found = {"findings": args.findings}
    yield fit.main, as_options({"model": model, **found, **engine, **bound, **kind, "output": fitted}) + blind
    if args.no_tests:
        return
    tests, limits = (
        str(folder / "asymptotics" / name) for name in (f"hypotest/mu_{label(args.mu)}.json", "limits.json")
    )
    in_common = {"model": model, "fit": fitted, **engine}
    yield hypotest.main, as_options({**in_common, "mu": args.mu, "output": tests})
    check = {"check_asymptotics": args.check_asymptotics, "seed": args.seed}
    words = as_options({**in_common, **kind, **check, "hypotest": tests, "output": limits})
    yield invert.main, words + ["--toybased"] * args.toybased


def label(mu: list[str] | None) -> str:
    """How the file of all tests of a scan is called."""
    return next(iter(mu_jobs(mu, len(mu)))) if mu else "auto"


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(description=__doc__)
    kind = parse.add_mutually_exclusive_group(required=True)
    kind.add_argument("--histograms", help="templates and observed counts")
    kind.add_argument("--workspace", help="pyhf workspace, plain or gzipped")
    parse.add_argument("--findings", help="what was left out or changed when they were read")
    parse.add_argument("--model", help="what the model makes of the histograms, as JSON")
    parse.add_argument("--checked", help="what check_published.py wrote about the workspace and its patches")
    source = parse.add_mutually_exclusive_group()
    source.add_argument("--patchset", help="patch set, plain or gzipped")
    source.add_argument("--patches", nargs="+", help="JSON patches, one for each signal")
    parse.add_argument("--measurement", help="name of the measurement; default: the first")
    parse.add_argument("--max-megabytes", help="of a file, when it is unpacked")
    for kind, codes in INTERPOLATIONS.items():
        parse.add_argument(f"--{kind}", choices=codes, default=codes[0], help=f"interpolation of {kind}")
    parse.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="what fits")
    parse.add_argument("--test-statistic", default="qtilde")
    parse.add_argument("--mu", nargs="+", help="values of the scan; default: as the limits need")
    parse.add_argument(
        "--poi-bound", help="the largest mu that a fit must be able to reach; default: as the limits need"
    )
    parse.add_argument("--confidence-level", default="0.95")
    parse.add_argument("--check-asymptotics", default="auto", help="how invert.py checks limits")
    parse.add_argument("--toybased", action="store_true", help="there are limits from toys too")
    parse.add_argument("--seed", default="0", help="of toys")
    parse.add_argument("--blind", action="store_true", help="replace the observed data")
    parse.add_argument("--no-tests", action="store_true", help="stop after the fits")
    parse.add_argument("--folder", type=Path, required=True, help="of the analysis; each signal has a folder there")
    parse.add_argument("--signals", nargs="+", required=True, help="names of the signals in paths")
    return parse


def main(argv: list[str] | None = None) -> None:
    args = parser().parse_args(argv)
    patches = args.patches or [None] * len(args.signals)
    for signal, patch in zip(args.signals, patches, strict=True):
        print(f"{unquote(signal)}:", flush=True)
        for step, words in steps(args, signal, patch):
            step(words)


if __name__ == "__main__":
    run(main)
