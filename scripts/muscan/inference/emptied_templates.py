"""Templates that several factors with large uncertainties multiply, so that one of them may empty a bin.

A factor with a Gaussian constraint of relative width s (staterror, or a histosys that empties a bin) can become zero at
a cost of 1/s^2 in the deviance; the cost of a factor with a Poisson constraint, or of a normsys, rises with the
logarithm of the factor. The search for further minima and the diagnosis of a model look for such templates.
"""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.model import Factors, Model, NormSys

# Relative uncertainties above this are large: emptying a template then costs less than 1 / LARGE^2 = 4 in the
# deviance. Only the order of magnitude matters: 4 is about the difference that decides limits at 95 % CL. With a
# smaller value more fits search for minima that can hardly decide a limit; with a larger one, minima that can are
# missed.
LARGE = 0.5
# Smallest size of a template that matters, in units of sqrt(all events of the bin): half of a larger one is
# significant. That of a signal, in units of its largest size in a bin.
SIGNIFICANT, SHARE = 3.0, 0.1


class Kind(NamedTuple):
    """Modifiers of one type with large uncertainties, one entry for each bin of a sample on which a parameter acts."""

    sample: np.ndarray
    bin: np.ndarray
    parameter: np.ndarray
    linear: bool  # whether they can empty a bin at a finite cost
    is_one: bool  # whether all of this type act as one factor, because their shifts, or their logarithms, add up


def large_factors(model: Model, large: float = LARGE) -> list[Kind]:
    """Return all factors with a relative uncertainty above `large`, by type of modifier."""
    widths = model.constrained_widths()
    norm, shift, factors, single = model.normsys, model.histosys, model.factors, model.bin_factors
    of_norm = np.maximum(np.abs(norm.high - 1), np.abs(norm.low - 1)) > large
    events = np.abs(model.nominal[shift.sample, shift.bin])
    of_shift = np.maximum(np.abs(shift.up), np.abs(shift.down)) > large * events
    poisson = np.isin(single.parameter, model.constraints.parameter[model.constraints.is_poisson])
    of_single = widths[single.parameter] > large
    bins = (shift.sample, shift.bin, shift.parameter)
    kinds = [
        Kind(*_by_bin(model, norm, of_norm), linear=False, is_one=True),
        Kind(*_by_bin(model, factors, widths[factors.parameter] > large), linear=True, is_one=False),
        Kind(*(each[of_shift] for each in bins), linear=True, is_one=True),
        Kind(*(each[of_single & ~poisson] for each in single), linear=True, is_one=False),
        Kind(*(each[of_single & poisson] for each in single), linear=False, is_one=False),
    ]
    free = [~model.fixed[kind.parameter] for kind in kinds]
    return [Kind(*(each[which] for each in kind[:3]), *kind[3:]) for kind, which in zip(kinds, free, strict=True)]


def may_be_emptied(model: Model, kinds: list[Kind]) -> np.ndarray:
    """Return the templates that at least two of these factors multiply and one can empty, shape (nsamples, nmain).

    Templates that are too small to matter are left out.
    """
    numbers = np.zeros((2, *model.nominal.shape), int)  # of factors, and of linear ones
    for kind in kinds:
        count = np.zeros_like(numbers[0])
        np.add.at(count, (kind.sample, kind.bin), 1)
        count = np.minimum(count, 1) if kind.is_one else count
        numbers += np.stack([count, kind.linear * count])
    number, linear = numbers
    return (number > 1) & (linear > 0) & _matters(model)


def scaled_by_poi(model: Model) -> np.ndarray:
    """Return the templates that the POI scales, shape (nsamples, nmain)."""
    found = np.zeros(model.nominal.shape, bool)
    sample, bin_, _ = _by_bin(model, model.factors, model.factors.parameter == model.poi)
    found[sample, bin_] = True
    return found


def _matters(model: Model) -> np.ndarray:
    """Templates that matter to a fit, shape (nsamples, nmain).

    A background matters if half of it is significant. A signal always matters, as mu may be held far above its best
    fit; only its smallest bins do not.
    """
    size = np.abs(model.nominal)
    size = size / np.sqrt(np.maximum(size.sum(axis=0), 1.0))
    of_signal = size > SHARE * size.max(axis=1, keepdims=True, initial=0.0)
    return np.where(scaled_by_poi(model), of_signal, size > SIGNIFICANT) & (size > 0)


def _by_bin(model: Model, entries: NormSys | Factors, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(sample, bin, parameter) of some entries, which act on whole channels."""
    widths = np.diff(model.edges)[entries.channel] * which
    entry = np.repeat(np.arange(len(which)), widths)
    first = model.edges[entries.channel][entry] - (np.cumsum(widths) - widths)[entry]
    return entries.sample[entry], first + np.arange(len(entry)), entries.parameter[entry]
