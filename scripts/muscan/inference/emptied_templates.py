"""Templates that several badly known factors multiply, each of which may empty a bin of them.

A factor with a Gaussian constraint of the relative width s takes a template away at the price 1/s^2 in the deviance
(staterror, or a histosys that empties a bin); the price of one with a Poisson constraint, or of a normsys, rises with
the logarithm of the factor. The search for further minima and the diagnosis of a model ask for such templates.
"""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.model import Factors, Model, NormSys

# Relative uncertainties above this are large: to give up a template then costs less than 1 / LARGE^2 = 4 in the
# deviance, which is within the reach of limits at 95 %. With 0.25 published grids took longer (`make bench`), and a
# random search (`make study-fuzz`) found no model that needs it.
LARGE = 0.5
# Sizes of templates, in units of sqrt(all events of the bin), that do not matter if they are smaller: half of a larger
# one is significant. Of a signal as parts of its largest.
SIGNIFICANT, SHARE = 3.0, 0.1


class Kind(NamedTuple):
    """Entries of one type of modifiers with large uncertainties: on which bins of samples their parameters act."""

    sample: np.ndarray
    bin: np.ndarray
    parameter: np.ndarray
    linear: bool  # whether they empty a bin at a finite price
    is_one: bool  # whether all together act as one factor: shifts add up, and so do logarithms


def large_factors(model: Model, large: float = LARGE) -> list[Kind]:
    """All factors with a relative uncertainty above `large`, by type of modifier."""
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
    """Templates that at least two of these factors multiply and one of them may empty, shape (nsamples, nmain).

    Only templates of which a fit may have to give up most.
    """
    numbers = np.zeros((2, *model.nominal.shape), int)  # of factors, and of linear ones
    for kind in kinds:
        count = np.zeros_like(numbers[0])
        np.add.at(count, (kind.sample, kind.bin), 1)
        count = np.minimum(count, 1) if kind.is_one else count
        numbers += np.stack([count, kind.linear * count])
    number, linear = numbers
    return (number > 1) & (linear > 0) & _matters(model)


def of_poi(model: Model) -> np.ndarray:
    """Templates that the POI scales, shape (nsamples, nmain)."""
    found = np.zeros(model.nominal.shape, bool)
    sample, bin_, _ = _by_bin(model, model.factors, model.factors.parameter == model.poi)
    found[sample, bin_] = True
    return found


def _matters(model: Model) -> np.ndarray:
    """Templates of which a fit may have to give up most, shape (nsamples, nmain).

    Of a signal, however small, as mu may be held far above its best fit; of the others, those of which half is
    significant.
    """
    size = np.abs(model.nominal)
    size = size / np.sqrt(np.maximum(size.sum(axis=0), 1.0))
    of_signal = size > SHARE * size.max(axis=1, keepdims=True, initial=0.0)
    return np.where(of_poi(model), of_signal, size > SIGNIFICANT) & (size > 0)


def _by_bin(model: Model, entries: NormSys | Factors, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(sample, bin, parameter) of some entries of whole channels."""
    widths = np.diff(model.edges)[entries.channel] * which
    entry = np.repeat(np.arange(len(which)), widths)
    first = model.edges[entries.channel][entry] - (np.cumsum(widths) - widths)[entry]
    return entries.sample[entry], first + np.arange(len(entry)), entries.parameter[entry]
