"""Problems of a model, and what the searches for them share."""

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from muscan.base.words import listed
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model

# Of a template: smaller changes are rounding of the numbers in a workspace, not variations.
NOISE = 1e-4
HUGE = 1.0  # a relative uncertainty
LIMIT_SIGNAL = 2.0  # standard deviations in its best bin: about what a limit excludes
# Changes of less, in statistical standard deviations of the events of all bins, decide nothing.
VISIBLE = 0.1
# Changes of more, in the same units, weigh as much as the statistical uncertainty: limits depend on them.
DECISIVE = 1.0

# What a finding means for the limits, the worst first. A new kind of finding needs no more than one of these.
ERROR, DOUBT, HINDER, UNTIDY = WEIGHTS = ("no limit", "doubts a limit", "may hinder a fit", "only untidy")


class Finding(NamedTuple):
    """A problem of a model."""

    weight: str  # one of WEIGHTS
    kind: str
    where: str  # channel, sample, bin or parameter in words
    message: str  # what is wrong and what follows from it
    advice: str = ""  # what to do

    @property
    def severity(self) -> str:
        return severity(self.weight)

    def __str__(self) -> str:
        return in_words(self.where, self.message, self.advice)


def severity(weight: str) -> str:
    """What `make check` calls a finding."""
    return "error" if weight == ERROR else "warning"


def in_words(where: str, message: str, advice: str) -> str:
    """All that a finding says."""
    return f"{where}: " * bool(where) + message + f". {advice}" * bool(advice)


class Parts:
    """What several searches need of a model; "cells" are the bins of samples, arrays of shape (nsamples, nmain)."""

    def __init__(self, model: Model):
        self.model = model
        self.observed = model.data[: model.nmain]
        self.channel = np.repeat(np.arange(len(model.channels)), np.diff(model.edges))  # of each bin
        low, high = model.bounds.T
        self.start = np.where(model.fixed, model.initial, np.clip(model.initial, *model.known_bounds.T))
        self.held = model.fixed | (low == high)
        self.held[model.poi] = False  # its bounds follow the scan
        self.constrained = np.zeros(len(model.names), bool)
        self.constrained[model.constraints.parameter] = True
        changed = (model.histosys.down != 0) | (model.histosys.up != 0)
        self.events = model.nominal != 0  # whether a template has events, if only in a variation
        self.events[model.histosys.sample[changed], model.histosys.bin[changed]] = True
        self.possible = self.events & ~self._switched_off()

    def _switched_off(self) -> np.ndarray:
        """Cells that a parameter multiplies which is held at zero."""
        off = np.zeros(self.model.nominal.shape, bool)
        zero = self.held & (self.start == 0)
        factors, single = self.model.factors, self.model.bin_factors
        for sample, channel in zip(*entries_of(factors, zero, "sample", "channel"), strict=True):
            off[sample, self.channel == channel] = True
        sample, bin_ = entries_of(single, zero, "sample", "bin")
        off[sample, bin_] = True
        return off

    @cached_property
    def likelihood(self) -> Likelihood:
        return Likelihood(self.model)

    @cached_property
    def expected(self) -> np.ndarray:
        """Events of each cell where the fits begin."""
        return self.likelihood.expected_by_sample(self.start[:, None])[..., 0]

    @cached_property
    def signal(self) -> np.ndarray:
        """Cells on which the POI acts."""
        model, poi = self.model, np.arange(len(self.model.names)) == self.model.poi
        cells = np.zeros(model.nominal.shape, bool)
        for entries in (model.factors, model.normsys):
            for sample, channel in zip(*entries_of(entries, poi, "sample", "channel"), strict=True):
                cells[sample, self.channel == channel] = True
        for entries in (model.bin_factors, model.histosys):
            sample, bin_ = entries_of(entries, poi, "sample", "bin")
            cells[sample, bin_] = True
        return cells

    @cached_property
    def effective(self) -> np.ndarray:
        """Parameters on which the expected events can depend, shape (npar,)."""
        model = self.model
        somewhere = self.per_channel(self.possible)
        norm, shift, factors, single = model.normsys, model.histosys, model.factors, model.bin_factors
        acts = [
            (factors.parameter, somewhere[factors.sample, factors.channel]),
            (single.parameter, self.possible[single.sample, single.bin]),
            (norm.parameter, somewhere[norm.sample, norm.channel] & ((norm.low != 1) | (norm.high != 1))),
            (shift.parameter, self.possible[shift.sample, shift.bin] & ((shift.down != 0) | (shift.up != 0))),
        ]
        effective = np.zeros(len(model.names), bool)
        for parameter, which in acts:
            effective[parameter[which]] = True
        return effective

    @cached_property
    def per_variance(self) -> np.ndarray:
        """What squares of changes are multiplied by to be in statistical variances, shape (nsamples, nmain).

        The signal counts as if it were as large as what a limit excludes, whatever cross section its template has.
        """
        signal = np.where(self.signal, self.model.nominal, 0.0).sum(axis=0)
        background = np.where(self.signal, 0.0, self.model.nominal).sum(axis=0)
        variance = np.maximum(background, 1.0)
        best = (np.abs(signal) / np.sqrt(variance)).max(initial=0.0)
        return np.where(self.signal, (LIMIT_SIGNAL / best) ** 2 if best else 0.0, 1.0) / variance

    def per_channel(self, cells: np.ndarray) -> np.ndarray:
        """Whether any bin of a channel is among the cells, shape (nsamples, nchannels)."""
        return np.logical_or.reduceat(cells, self.model.edges[:-1], axis=1)

    def _template(self, sample: int, channel: int) -> str:
        return f"{self.model.channels[channel]!r} / {self.model.samples[sample]!r}"

    def templates(self, pairs: Iterable[tuple[int, int]], most: int = 3) -> str:
        """Channels and samples in words."""
        return listed([self._template(*pair) for pair in dict.fromkeys(pairs)], most)

    def bins(self, bins: np.ndarray) -> str:
        """Bins in words, numbered from 1 in each channel."""
        texts = []
        for channel in np.unique(self.channel[bins]):
            numbers = [str(bin_ - self.model.edges[channel] + 1) for bin_ in bins[self.channel[bins] == channel]]
            words = "the only bin" if self._only_bin(channel) else f"{plural('bin', numbers)} {listed(numbers, 6)}"
            texts.append(f"channel {self.model.channels[channel]!r}, {words}")
        return listed(texts, 4)

    def _only_bin(self, channel: int) -> bool:
        return bool(self.model.edges[channel + 1] - self.model.edges[channel] == 1)

    def names(self, which: np.ndarray, most: int = 8) -> str:
        return listed([repr(self.model.names[i]) for i in which], most)


def entries_of(entries, which: np.ndarray, *columns: str) -> list[np.ndarray]:
    """Columns of the entries whose parameters are among these."""
    chosen = which[entries.parameter]
    return [getattr(entries, column)[chosen] for column in columns]


def plural(word: str, things) -> str:
    return word if len(things) == 1 else f"{word}s"
