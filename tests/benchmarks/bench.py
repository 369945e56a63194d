"""Time the fits against pyhf in one process on one core, and print tables.

Every case is the work that pyhf would do: the same toys, a free fit and one with mu held. Reads the published
likelihoods from MUSCAN_DATA. `make bench` calls it; with --dump FOLDER it writes the cases for the other programs that
`make bench-peers` times.
"""

import argparse
import functools
import gc
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cases
import numpy as np
import pyhf
from cases import CASES, FILES, Case, need, toys

from helpers.workspaces import counting, engine_of
from muscan.base.files import read_json
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.model import Model
from muscan.inference.hypotest import hypotests, prepare
from muscan.inference.local_minima import local_minima
from muscan.inference.newton import Newton
from muscan.inference.signal_point import bounded
from muscan.inputs.patches import apply_from_patchset, select_measurement

REPEATS = 5


class ToyBench(NamedTuple):
    """How many toys each program fits."""

    ours: int
    pyhfs: dict[str, int]  # by optimizer


TOYS = {
    "default question, floating": ToyBench(20_000, {"minuit": 25}),
    "default question, locked": ToyBench(20_000, {"minuit": 25}),
    "2 channels x 10 bins": ToyBench(10_000, {"minuit": 25}),
    "sbottom-A": ToyBench(2_000, {"minuit": 5}),
    "stau-highmass": ToyBench(1_000, {"minuit": 2}),
    "1Lbb": ToyBench(400, {"scipy": 2, "minuit": 1}),
}


def median_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median time of a piece of work after one run that does not count."""
    work()
    return statistics.median(seconds(work) for _ in range(repeats))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pyhf_model(case: Case) -> tuple[pyhf.pdf.Model, list]:
    """pyhf's model, and bounds of its parameters with the POI's as wide as ours."""
    model = pyhf.Workspace(case.workspace).model()
    bounds = model.config.suggested_bounds()
    bounds[model.config.poi_index] = (0.0, max(case.poi_bound, bounds[model.config.poi_index][1]))
    return model, bounds


def pyhf_toys(case: Case, data: np.ndarray, optimizer: str) -> tuple[float, int]:
    """Seconds of pyhf for a free fit and one with mu held to each toy, and how many failed."""
    model, bounds = pyhf_model(case)
    pyhf.set_backend("numpy", getattr(pyhf.optimize, f"{optimizer}_optimizer")())
    failed = 0
    start = time.perf_counter()
    for toy in data.T.tolist():
        try:
            pyhf.infer.mle.fit(toy, model, par_bounds=bounds)
            pyhf.infer.mle.fixed_poi_fit(case.mu, toy, model, par_bounds=bounds)
        except pyhf.exceptions.FailedMinimization:
            failed += 1
    return time.perf_counter() - start, failed


def engine(case: Case) -> Newton:
    return engine_of(case.workspace, poi_bound=case.poi_bound)


def toy_row(name: str) -> str:
    case, plan = CASES[name](), TOYS[name]
    data, truth = toys(case, plan.ours)
    ours = engine(case)
    rate = plan.ours / median_seconds(lambda: ours.fit_both(data, truth, case.mu), 3)
    rows = []
    for optimizer, number in plan.pyhfs.items():
        taken, failed = pyhf_toys(case, data[:, :number], optimizer)
        note = f"{optimizer}, {number} toys, {failed} failed"
        rows.append(f"{name:<28} {rate:>10.4g} {number / taken:>10.3g} {rate * taken / number:>9.0f}x   {note}")
    return "\n".join(rows)


def scan_row() -> str:
    """The 51 points of the default question, from a compiled model, with everything that does not depend on mu."""
    case = CASES["default question, floating"]()
    ours, grid = engine(case), np.linspace(0, 5, 51)
    taken = median_seconds(lambda: hypotests(ours, prepare(ours, "qtilde"), grid, "qtilde", "asymptotics"))
    model, bounds = pyhf_model(case)
    data = pyhf.Workspace(case.workspace).data(model)
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer())

    def scan() -> None:
        for mu in grid:
            pyhf.infer.hypotest(mu, data, model, par_bounds=bounds, return_expected_set=True)

    theirs = seconds(scan)
    return f"51-point scan, floating: {taken * 1e3:.2f} ms, pyhf {theirs:.2f} s, {theirs / taken:.0f}x"


def patchset_row() -> str:
    """All signals of 1Lbb at mu = 1, from the files on disk."""
    folder = cases.PUBLISHED / "1Lbb"

    def work() -> int:
        background, patchset = (read_json(folder / f"{name}.json.gz") for name in ("BkgOnly", "patchset"))
        gc.freeze()  # the garbage collector need not look at the patches again
        failed, known = 0, {}
        for patch in patchset["patches"]:
            spec = select_measurement(apply_from_patchset(background, patchset, patch["metadata"]["name"]), None)
            ours = Newton(bounded(compile_workspace(spec, cache=known), "qtilde", 10.0))
            tested = hypotests(ours, prepare(ours, "qtilde"), [1.0], "qtilde", "asymptotics")
            failed += isinstance(tested[0], Exception)
        return failed

    start = time.perf_counter()
    failed = work()
    return f"125 signals of 1Lbb at mu = 1: {time.perf_counter() - start:.1f} s, {failed} failed (published: 3,842 s)"


def dgemm_rate() -> float:
    """Multiply-adds per second of this core."""
    size = 1000
    matrix = np.random.default_rng(0).random((size, size))
    return size**3 / median_seconds(lambda: matrix @ matrix)


def limit_row(name: str, rate: float) -> str:
    """Time of the free fits against that of assembly and factorisation alone at the rate of dgemm."""
    case, number = CASES[name](), min(TOYS[name].ours, 2000)
    data, truth = toys(case, number)
    ours = engine(case)
    layout = ours.likelihood.layout
    size = layout.globals_
    lines = layout.rows + (1 + layout.locals_) * len(layout.bins)
    start = np.repeat(truth[:, None], number, axis=1)
    found = local_minima(ours.likelihood, data, start, ours.model.fixed)
    taken = median_seconds(lambda: local_minima(ours.likelihood, data, start, ours.model.fixed), 3) / number
    least = (lines * size * (size + 1) / 2 + size**3 / 6) * found.iterations.mean() / rate
    return (
        f"{name:<28} {len(ours.model.names):>5} {size:>6} {found.iterations.mean():>10.1f} {taken * 1e6:>9.1f} us "
        f"{least * 1e6:>9.1f} us {taken / least:>8.1f}x"
    )


def growing(parameters: int, bins: int) -> Case:
    """A background of so many bins with a gamma each and so many normsys."""
    rng = np.random.default_rng(1)
    background = rng.uniform(50, 100, bins)
    modifiers = [
        (f"scale_{i}", "normsys", {"hi": 1 + u, "lo": 1 - u}) for i, u in enumerate(0.1 / (1 + np.arange(parameters)))
    ]
    modifiers.append(("stat", "shapesys", (0.1 * background).tolist()))
    return Case(
        counting(background.round().tolist(), (0.1 * background).tolist(), background.tolist(), *modifiers), 1.0, 10.0
    )


def growth_row(parameters: int, bins: int) -> str:
    case, number = growing(parameters, bins), 500
    data, truth = toys(case, number)
    ours = engine(case)
    taken = median_seconds(lambda: ours.fit(data, [truth]), 3) / number
    return f"{parameters:>12} {bins:>8} {taken * 1e6:>12.1f}"


def dump(folder: Path) -> None:
    """The cases for other programs: workspace, toys, and what they need to know of them; and our own rates."""
    for name in ("default question, floating", "2 channels x 10 bins", "sbottom-A"):
        case, number = CASES[name](), TOYS[name].ours
        data, truth = toys(case, number)
        ours = engine(case)
        place = folder / name.replace(",", "").replace(" ", "-")
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / "toys.npy", data)
        (place / "workspace.json").write_text(json.dumps(case.workspace), encoding="utf-8")
        (place / "meta.json").write_text(json.dumps(described(case, ours.model)), encoding="utf-8")
        taken = median_seconds(functools.partial(ours.fit_both, data, truth, case.mu), 3)
        print(json.dumps({"program": "muscan", "case": place.name, "toys": number, "seconds": taken}), flush=True)


def described(case: Case, model: Model) -> dict:
    return {
        "mu": case.mu,
        "poi": model.poi_name,
        "poi_bound": case.poi_bound,
        "nmain": model.nmain,
        "channels": {channel: [int(bins.start), int(bins.stop)] for channel, bins in model.bins.items()},
        "auxiliary": [model.names[i] for i in model.constraints.parameter],
    }


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--dump", type=Path, help="write the cases for other programs and time ours on them")
    args = parse.parse_args()
    need(*(["sbottom-A"] if args.dump else FILES))
    if args.dump:
        return dump(args.dump)
    print(scan_row(), patchset_row(), sep="\n", flush=True)
    print(f"\n{'toys/s, free + held fit':<28} {'muscan':>10} {'pyhf':>10} {'ratio':>10}")
    for name in TOYS:
        print(toy_row(name), flush=True)
    rate = dgemm_rate()
    print(f"\nfree fit from its truth, against assembly and factorisation at {2 * rate / 1e9:.0f} GFlop/s of dgemm")
    print(f"{'':<28} {'npar':>5} {'global':>6} {'iterations':>10} {'per fit':>12} {'least':>12} {'ratio':>9}")
    for name in TOYS:
        print(limit_row(name, rate), flush=True)
    print(f"\n{'normsys':>12} {'bins':>8} {'us per fit':>12}")
    for parameters, bins in (
        (5, 20),
        (10, 20),
        (20, 20),
        (40, 20),
        (80, 20),
        (160, 20),
        (10, 5),
        (10, 50),
        (10, 200),
        (10, 800),
    ):
        print(growth_row(parameters, bins), flush=True)
    return None


if __name__ == "__main__":
    main()
