"""Draw templates and pseudo-data.

Reads nothing but its options, writes histograms.csv: one column of counts per component, and the observed counts.

The random numbers come from numpy.random.RandomState, a stream that NumPy has frozen, in this order: the expected
events of each component, from the last component to the first; then the observed events, from the first to the last.
"""

from collections.abc import Callable

import numpy as np

from muscan.inputs.histograms import DEFAULT_CHANNEL, Histograms

Events = Callable[[np.random.RandomState, int], np.ndarray]


def uniform(low: float, high: float) -> Events:
    return lambda random, number: low + (high - low) * random.random_sample(number)


def normal(mean: float, width: float) -> Events:
    return lambda random, number: random.normal(mean, width, number)


def exponential(scale: float, low: float) -> Events:
    return lambda random, number: low + random.exponential(scale, number)


SHAPES = {"uniform": uniform, "normal": normal, "exponential": exponential}


def bin_edges(bins: dict | list) -> np.ndarray:
    """Edges from `[0, 1, 2.5]` or `{"number": 20, "low": 0, "high": 10}`, shape (nbins + 1,)."""
    if isinstance(bins, dict):
        return np.linspace(bins["low"], bins["high"], bins["number"] + 1)
    return np.asarray(bins, dtype=float)


def simulate(spec: dict, observed: bool = True) -> Histograms:
    """Draw all events of a data set, or those of the templates alone.

    Args:
        spec: `seed`, `bins` and `components`, {name: {"shape", its parameters, "expected", "observed"}}; the numbers of
            events are taken as they are, not fluctuated.
    """
    random = np.random.RandomState(spec["seed"])
    edges = bin_edges(spec["bins"])
    components = {name: dict(component) for name, component in spec["components"].items()}
    numbers = {name: (each.pop("expected"), each.pop("observed", 0)) for name, each in components.items()}
    shapes = {name: SHAPES[component.pop("shape")](**component) for name, component in components.items()}

    def draw(name: str, number: int) -> np.ndarray:
        return np.histogram(shapes[name](random, number), bins=edges)[0]

    expected = {name: draw(name, numbers[name][0]) for name in reversed(components)}
    columns = {name: expected[name] for name in components}
    if observed:
        columns["observed"] = sum(draw(name, numbers[name][1]) for name in components)
    return Histograms({DEFAULT_CHANNEL: edges}, {DEFAULT_CHANNEL: columns})
