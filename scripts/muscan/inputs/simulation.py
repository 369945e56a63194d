"""Draw templates and pseudo-data from simple shapes.

The random numbers come from numpy.random.RandomState, a stream that NumPy has frozen, in this order: the expected
events of each component, from the last component to the first; then the observed events, from the first to the last.
"""

from collections.abc import Callable

import numpy as np

from muscan.inputs.histograms import DEFAULT_CHANNEL, OBSERVED, Histograms

Sampler = Callable[[np.random.RandomState, int], np.ndarray]  # draws a number of events, shape (number,)


def uniform(low: float, high: float) -> Sampler:
    """Return a sampler of a flat distribution between two values."""
    return lambda random, number: low + (high - low) * random.random_sample(number)


def normal(mean: float, width: float) -> Sampler:
    """Return a sampler of a normal distribution; `width` is its standard deviation."""
    return lambda random, number: random.normal(mean, width, number)


def exponential(scale: float, low: float) -> Sampler:
    """Return a sampler of a falling exponential that begins at `low` and has the mean `low + scale`."""
    return lambda random, number: low + random.exponential(scale, number)


SHAPES = {"uniform": uniform, "normal": normal, "exponential": exponential}


def parse_bin_edges(bins: dict | list) -> np.ndarray:
    """Return the edges of `[0, 1, 2.5]` or `{"number": 20, "low": 0, "high": 10}`, shape (nbins + 1,)."""
    if isinstance(bins, dict):
        return np.linspace(bins["low"], bins["high"], bins["number"] + 1)
    return np.asarray(bins, dtype=float)


def simulate(spec: dict, observed: bool = True) -> Histograms:
    """Draw the templates of a data set and its observed events.

    Args:
        spec: the `simulate` block of a data set: `seed`, `bins` and `components`, {name: {"shape", parameters of the
            shape, "expected", "observed"}}. Exactly `expected` events are drawn for the template of a component, and
            exactly `observed` for its part of the observed events; these numbers do not fluctuate.
        observed: whether to draw the observed events.
    """
    random = np.random.RandomState(spec["seed"])
    edges = parse_bin_edges(spec["bins"])
    components = {name: dict(component) for name, component in spec["components"].items()}
    numbers = {name: (each.pop("expected"), each.pop("observed", 0)) for name, each in components.items()}
    samplers = {name: SHAPES[component.pop("shape")](**component) for name, component in components.items()}

    def draw(name: str, number: int) -> np.ndarray:
        return np.histogram(samplers[name](random, number), bins=edges)[0]

    expected = {name: draw(name, numbers[name][0]) for name in reversed(components)}
    columns = {name: expected[name] for name in components}
    if observed:
        columns[OBSERVED] = sum(draw(name, numbers[name][1]) for name in components)
    return Histograms({DEFAULT_CHANNEL: edges}, {DEFAULT_CHANNEL: columns})
