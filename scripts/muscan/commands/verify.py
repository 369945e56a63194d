"""Repeat a random sample of the hypothesis tests of a scan with pyhf and Minuit.

Reads the tests that results/manifest.json lists, and model.npz, fit.json and workspace.json of their signals. Prints,
for muscan and pyhf, the CLs values and -2 log L at the minima. The exit code is 1 if muscan is wrong in a test: if pyhf
found a lower minimum, or another CLs from the same minima.
"""

import random
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from muscan.base import seals
from muscan.base.errors import FitError, StepError
from muscan.base.json_input import read_json
from muscan.base.options import positive_integer
from muscan.commands.parser import command_parser
from muscan.config.result_files import MANIFEST
from muscan.inference.engines import engine
from muscan.inference.hypotest import hypotests, prepare
from muscan.inference.signal_point import SignalFiles, load
from muscan.records.hypotest import Hypotest
from muscan.records.manifest import Manifest

TESTS = "*/*/*/hypotest/mu_*.json"  # files of tests in a folder of results
PRECISION = 1e-4  # of a fit by Minuit, in -2 log L
SAME_CLS = 2e-3  # largest difference of CLs from the same minima


class Check(NamedTuple):
    """A test of muscan, repeated with pyhf."""

    name: str
    ours: tuple[float | None, float]  # CLs of muscan, observed and median expected; None where the data are blind
    pyhfs: tuple[float, float]  # CLs of pyhf
    minima: dict[str, tuple[float, float]]  # -2 log L of each fit to the data, of muscan and of pyhf

    def ours_is_wrong(self) -> bool:
        """Return whether pyhf found a lower minimum, or another CLs from the same minima."""
        if any(pyhfs < ours - PRECISION for ours, pyhfs in self.minima.values()):
            return True
        return not self.pyhf_is_wrong() and self.distance() > SAME_CLS

    def pyhf_is_wrong(self) -> bool:
        """Return whether muscan found a lower minimum in one of the fits."""
        return any(pyhfs > ours + PRECISION for ours, pyhfs in self.minima.values())

    def distance(self) -> float:
        """Return the larger difference between the CLs values of muscan and pyhf."""
        return max(abs(ours - pyhfs) for ours, pyhfs in zip(self.ours, self.pyhfs, strict=True) if ours is not None)

    def verdict(self) -> str:
        """Return the result of the comparison as text."""
        if self.ours_is_wrong():
            return "DISAGREES"
        return "pyhf stopped above the minimum" if self.pyhf_is_wrong() else "agrees"


def files_of_tests(results: Path) -> list[Path]:
    """Return the files of tests that the manifest in a folder of results lists: those of the last complete scan.

    Without a manifest, print so, and return all files of tests below the folder.
    """
    manifest = results / Path(MANIFEST).name
    found = sorted(results.glob(TESTS))
    if manifest.exists():
        listed = {results / seals.path_in_results(record["file"]) for record in Manifest.read(manifest).results}
        return [path for path in found if path in listed]
    if found:
        message = f"there is no {manifest}, which a complete scan writes: the sample is of all tests in {results}"
        print(f"{message}, also those of earlier scans", file=sys.stderr)
    return found


def tests_of(results: Path) -> list[tuple[Path, Hypotest]]:
    """Return all tests of the last scan with the status `ok`, with their files."""
    found = []
    for path in files_of_tests(results):
        records = read_json(path)
        for record in records if isinstance(records, list) else [records]:
            if record.get("status") == "ok":
                found.append((path, Hypotest.from_json(record)))
    return found


def check(path: Path, test: Hypotest) -> Check:
    """Repeat one test with pyhf.

    Args:
        path: the file of the test.
        test: its record.

    Raises:
        FitError: if a fit of pyhf does not converge.
    """
    signal = path.parents[2]
    files = (str(signal / name) for name in ("model.npz", "fit.json", "workspace.json"))
    ours, prepared, result = load(SignalFiles(*files))
    reference = engine("pyhf", ours.model, read_json(signal / "workspace.json"))
    again = prepare(reference, result.test_statistic)
    tested = hypotests(reference, again, [test.mu], result.test_statistic, test.calculator)[0]
    if isinstance(tested, FitError):
        raise tested
    data, mu = ours.model.data[:, None], np.array([test.mu])
    minima = {
        "free": (prepared.free.deviance, again.free.deviance),
        "reference": (prepared.reference.deviance, again.reference.deviance),
        "mu held": tuple(
            each.fit(data, [fits.free.parameters, fits.reference.parameters], mu=mu).one(0).deviance
            for each, fits in ((ours, prepared), (reference, again))
        ),
    }
    return Check(
        f"{signal.parent.name} / {signal.name}, mu = {test.mu:g}",
        (test.CLs_obs, test.CLs_exp[2]),
        (tested.p_values.CLs_obs, tested.p_values.CLs_exp[2]),
        minima,
    )


def show(result: Check) -> None:
    """Print the comparison of one test."""
    print(f"{result.name}: {result.verdict()}")
    for kind, ours, pyhfs in zip(("observed", "expected"), result.ours, result.pyhfs, strict=True):
        if ours is not None:
            print(f"  CLs {kind:<10} {ours:<12.6g} pyhf {pyhfs:.6g}")
    for kind, (ours, pyhfs) in result.minima.items():
        lower = "the same" if abs(ours - pyhfs) <= PRECISION else "ours is lower" if ours < pyhfs else "pyhf is lower"
        print(f"  -2 log L {kind:<10} {ours:.6f}   pyhf {pyhfs:.6f}   {lower}")


def main(argv: list[str] | None = None) -> int:
    parse = command_parser(__name__, __doc__)
    parse.add_argument("--results", type=Path, default=Path("results"), help="folder of the results")
    parse.add_argument("--number", type=positive_integer, default=10, help="number of tests to repeat")
    parse.add_argument("--seed", type=int, default=0, help="seed of the random sample")
    args = parse.parse_args(argv)
    known = tests_of(args.results)
    if not known:
        print(f"there are no tests in {args.results}: run a scan first", file=sys.stderr)
        return 1
    wrong = failed = 0
    sample = random.Random(args.seed).sample(known, min(args.number, len(known)))
    for path, test in sorted(sample, key=lambda each: each[0]):
        try:
            result = check(path, test)
        except StepError as error:
            failed += 1
            print(f"{path}: pyhf has no result: {error}")
            continue
        show(result)
        wrong += result.ours_is_wrong()
    print(f"{len(sample)} of {len(known)} tests repeated: {wrong} disagree, {failed} without a result of pyhf")
    return 1 if wrong else 0
