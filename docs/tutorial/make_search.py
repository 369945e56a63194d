#!/usr/bin/env python
"""Invent the search of the tutorial.

Reads nothing, writes search.csv: templates with their statistical uncertainties, a variation of the jet energy scale,
and observed counts. In the data there are 25 % more ttbar events than in the simulation, and no signal.
"""

import argparse

import numpy as np
from scipy.stats import norm

SEED = 8  # one with which the mistake of the tutorial is easy to see
REGIONS = {"SR": np.arange(200.0, 801.0, 100.0), "CR": np.arange(200.0, 601.0, 100.0)}
# Expected events of a region, and the scale of their exponential fall in GeV; the signal is a peak.
EVENTS = {
    "ttbar": {"SR": (240.0, 130.0), "CR": (1100.0, 120.0)},
    "wjets": {"SR": (60.0, 170.0), "CR": (80.0, 150.0)},
}
SIGNAL = {"SR": (40.0, 400.0, 60.0)}  # events, mean and width
WEIGHTS = {"signal": 0.02, "ttbar": 0.08, "wjets": 0.1}  # of a simulated event
TTBAR_IN_DATA = 1.25
SCALE = 0.015  # uncertainty of the jet energy scale, which moves every event


def spectrum(sample: str, region: str, scale: float = 1.0) -> np.ndarray:
    """Expected events in the bins of a region, with all energies multiplied by `scale`."""
    edges = REGIONS[region] / scale
    if sample == "signal":
        events, mean, width = SIGNAL[region]
        return events * np.diff(norm.cdf(edges, mean, width))
    events, fall = EVENTS[sample][region]
    start = REGIONS[region][0]
    return events * -np.diff(np.exp(-(edges - start) / fall))


def columns(region: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """All columns of a region."""
    samples = [name for name in ("signal", *EVENTS) if name != "signal" or region in SIGNAL]
    table, expected = {}, 0.0
    for name in samples:
        truth, weight = spectrum(name, region), WEIGHTS[name]
        simulated = rng.poisson(truth / weight)
        table |= {name: simulated * weight, f"{name}_stat": np.sqrt(simulated) * weight}
        for side, scale in (("up", 1 + SCALE), ("down", 1 - SCALE)):
            table[f"{name}_jes_{side}"] = simulated * weight * spectrum(name, region, scale) / truth
        if name != "signal":
            expected = expected + truth * (TTBAR_IN_DATA if name == "ttbar" else 1.0)
    return table | {"observed": rng.poisson(expected)}


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--output", required=True)
    args = parse.parse_args()
    rng = np.random.default_rng(SEED)
    tables = {region: columns(region, rng) for region in REGIONS}
    names = list(tables["SR"])
    lines = [",".join(["channel", "bin_low", "bin_high", *names])]
    for region, table in tables.items():
        for i, (low, high) in enumerate(zip(REGIONS[region][:-1], REGIONS[region][1:], strict=True)):
            cells = [f"{table[name][i]:.5g}" if name in table else "" for name in names]
            lines.append(",".join([region, f"{low:g}", f"{high:g}", *cells]))
    with open(args.output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
