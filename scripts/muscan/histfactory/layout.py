"""The model as the batched likelihood needs it: blocks of channels with equal numbers of bins, as dense arrays.

A gamma of one bin (staterror, shapesys, shapefactor) is a local parameter: it can be eliminated bin by bin. All other
parameters are global. The layout has an order of its own: global parameters first, each kind in consecutive places,
then K local parameters for each of N bins. Rows stand for (sample, channel) pairs: what normsys and normfactor act on.
"""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.interpolation import KINKED, NormInterpolation, TemplateShifts
from muscan.histfactory.model import BinFactors, Model

# Local parameters per bin; more of them are treated as global. Three are one each of staterror, shapesys and
# shapefactor; the factorisation of their blocks takes K^2 passes over all bins.
MOST_LOCALS = 3


class Block(NamedTuple):
    """Channels with equal numbers of bins: S samples at most, C channels, M bins each, K local parameters per bin."""

    rows: slice  # places of its rows among those of all blocks
    places: slice  # places of its bins in the layout
    bins: np.ndarray  # in the main data of the model, shape (C, M)
    slot_sample: np.ndarray  # sample that stands in a slot, -1 if none, shape (S, C)
    nominal: np.ndarray  # shape (S, C, M, 1)
    shifts: TemplateShifts  # of each histosys parameter
    norm: NormInterpolation  # of S * C rows
    linear: np.ndarray  # which normfactor or lumi multiplies which row, shape (S * C, number, 1)
    mask: np.ndarray  # which samples a local parameter multiplies, shape (K, S, C, M, 1)
    full: np.ndarray  # whether it multiplies all samples, in all bins, shape (K,)


class Layout(NamedTuple):
    """The order of P parameters and N bins, and the blocks in which these stand."""

    blocks: list[Block]
    bins: np.ndarray  # place of each bin in the main data of the model, shape (N,)
    rows: int  # of all blocks
    order: np.ndarray  # parameter of the model in each place, npar where there is none, shape (P,)
    globals_: int  # how many of these are global
    locals_: int  # K
    linear: slice  # places of normfactor and lumi
    norm: slice  # places of normsys
    shifted: slice  # places of histosys
    kinked: np.ndarray  # places where the deviance has a kink at zero


def layout(model: Model) -> Layout:
    """Return the layout of a model: which of its parameters are local, and its channels as dense blocks."""
    npar = len(model.names)
    single, shared = _local_parameters(model)
    linear = np.union1d(model.factors.parameter, shared.parameter)
    globals_, spans = _globals(model, np.setdiff1d(np.arange(npar), single[0]), linear)
    column = np.full(npar + 1, -1)
    column[globals_] = np.arange(len(globals_))
    groups = _groups(model, shared)
    sizes = sorted({len(bins) for _, bins in groups})
    blocks: list[Block] = []
    for size in sizes:
        of_size = [group for group in groups if len(group[1]) == size]
        blocks.append(_block(model, of_size, single, shared, column, spans, blocks[-1] if blocks else None))
    bins = np.concatenate([block.bins.ravel() for block in blocks])
    most = max(len(block.mask) for block in blocks)
    local = np.full((most, model.nmain), npar)
    local[_rank(single[1]), single[1]] = single[0]
    order = np.concatenate([globals_, local[:, bins].ravel()]).astype(int)
    kinked = np.flatnonzero(np.append(_kinked(model), False)[order])
    return Layout(blocks, bins, blocks[-1].rows.stop, order, len(globals_), most, *spans, kinked)


def _globals(model: Model, globals_: np.ndarray, linear: np.ndarray) -> tuple[np.ndarray, list[slice]]:
    """Global parameters in an order that gives each kind consecutive places, and those of each kind."""
    kinds = [np.isin(globals_, each) for each in (linear, model.normsys.parameter, model.histosys.parameter)]
    is_linear, is_norm, is_shifted = kinds
    by_kind = np.lexsort((is_linear, np.where(is_shifted, np.where(is_norm, 2, 3), is_norm)))
    places = [np.flatnonzero(kind[by_kind]) for kind in kinds]
    return globals_[by_kind], [slice(*(each[[0, -1]] + [0, 1])) if len(each) else slice(0, 0) for each in places]


def _kinked(model: Model) -> np.ndarray:
    kinked = np.zeros(len(model.names), bool)
    for kind, entries in (("normsys", model.normsys), ("histosys", model.histosys)):
        if model.interpolation[kind] in KINKED:
            kinked[entries.parameter] = True
    return kinked


def _local_parameters(model: Model) -> tuple[tuple[np.ndarray, np.ndarray], BinFactors]:
    """(parameter, bin) of the local parameters, and the entries of those that are not local."""
    entries = model.bin_factors
    pairs = np.unique(np.stack([entries.parameter, entries.bin]).astype(int), axis=1)
    parameters, number = np.unique(pairs[0], return_counts=True)
    elsewhere = [model.poi, *model.factors.parameter, *model.normsys.parameter, *model.histosys.parameter]
    single = np.isin(pairs[0], parameters[number == 1]) & ~np.isin(pairs[0], elsewhere)
    parameter, bins = pairs[:, single]
    rank = _rank(bins)
    parameter, bins = parameter[rank < MOST_LOCALS], bins[rank < MOST_LOCALS]
    shared = ~np.isin(entries.parameter, parameter)
    return (parameter, bins), BinFactors(*(part[shared].astype(int) for part in entries))


def _rank(values: np.ndarray) -> np.ndarray:
    """How often each value has occurred before."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.searchsorted(ordered, ordered)
    rank = np.empty(len(values), int)
    rank[order] = np.arange(len(values)) - first
    return rank


def _groups(model: Model, shared: BinFactors) -> list[tuple[int, np.ndarray]]:
    """(channel, bins); a channel where a global parameter acts on single bins is taken apart."""
    groups = []
    for channel in range(len(model.channels)):
        bins = np.arange(model.edges[channel], model.edges[channel + 1])
        apart = np.isin(shared.bin, bins).any()
        groups += [(channel, bins[i : i + 1]) for i in range(len(bins))] if apart else [(channel, bins)]
    return groups


def _block(
    model: Model,
    groups: list[tuple[int, np.ndarray]],
    single: tuple[np.ndarray, np.ndarray],
    shared: BinFactors,
    column: np.ndarray,
    spans: list[slice],
    before: Block | None,
) -> Block:
    channels = np.array([channel for channel, _ in groups])
    bins = np.stack([bins for _, bins in groups])
    slot = _slots(model, channels, bins)  # (nsamples, C), -1 where a channel lacks the sample
    size = max(slot.max(initial=-1) + 1, 1)  # channels without any events have a template of zeros
    sample, place = np.nonzero(slot >= 0)
    slot_sample = np.full((size, len(channels)), -1)
    slot_sample[slot[sample, place], place] = sample
    nominal = np.where(slot_sample[..., None] >= 0, model.nominal[slot_sample[..., None], bins], 0.0)
    linear, norm, shifted = spans
    return Block(
        _next(before.rows if before else None, slot_sample.size),
        _next(before.places if before else None, bins.size),
        bins,
        slot_sample,
        nominal[..., None],
        _shifts(model, bins, slot, size, column, shifted),
        _norm(model, channels, slot_sample, column, norm),
        _linear(model, channels, bins, slot_sample, shared, column, linear),
        *_masks(model, single, bins, slot, slot_sample),
    )


def _next(before: slice | None, size: int) -> slice:
    start = before.stop if before else 0
    return slice(start, start + size)


def _slots(model: Model, channels: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Number of a sample among those of a channel; templates without events in any variation are left out."""
    present = (model.nominal[:, bins] != 0).any(axis=2)
    where = np.full(model.nmain, -1)
    where[bins] = np.arange(len(channels))[:, None]
    inside = where[model.histosys.bin] >= 0
    present[model.histosys.sample[inside], where[model.histosys.bin[inside]]] = True
    return np.where(present, present.cumsum(axis=0) - 1, -1)


def _places(model: Model, bins: np.ndarray) -> np.ndarray:
    """(channel, position) of each bin of the model in a block, -1 where it is in another, shape (nmain, 2)."""
    place = np.full((model.nmain, 2), -1)
    place[bins] = np.stack(np.indices(bins.shape), axis=-1)
    return place


def _shifts(model: Model, bins: np.ndarray, slot: np.ndarray, size: int, column: np.ndarray, shifted: slice):
    sample, bin_, parameter, down, up = model.histosys
    place = _places(model, bins)
    inside = place[bin_, 0] >= 0
    channel, position = place[bin_[inside]].T
    number = shifted.stop - shifted.start
    shifts = np.zeros((2, number, size, *bins.shape))
    index = (column[parameter[inside]] - shifted.start, slot[sample[inside], channel], channel, position)
    shifts[(0, *index)], shifts[(1, *index)] = (up - down)[inside] / 2, (up + down)[inside] / 2
    return TemplateShifts(shifts.reshape(2 * number, size, *bins.shape))


def _by_row(channels: np.ndarray, slot_sample: np.ndarray, entries, places: np.ndarray) -> np.ndarray:
    """(row, place, entry) of entries that act on whole templates; several rows where a channel was taken apart."""
    of_pair: dict[tuple[int, int], list[int]] = {}
    for row, (sample, channel) in enumerate(zip(slot_sample.ravel(), np.tile(channels, len(slot_sample)), strict=True)):
        of_pair.setdefault((int(sample), int(channel)), []).append(row)
    pairs = zip(entries.sample.tolist(), entries.channel.tolist(), strict=True)
    found = [(row, places[i], i) for i, pair in enumerate(pairs) for row in of_pair.get(pair, ())]
    return np.array(found, dtype=int).reshape(-1, 3).T


def _norm(model: Model, channels: np.ndarray, slot_sample: np.ndarray, column: np.ndarray, norm: slice):
    low, high = np.ones((2, slot_sample.size, norm.stop - norm.start))
    row, place, entry = _by_row(channels, slot_sample, model.normsys, column[model.normsys.parameter] - norm.start)
    low[row, place], high[row, place] = model.normsys.low[entry], model.normsys.high[entry]
    return NormInterpolation(low, high, model.interpolation["normsys"])


def _linear(model, channels, bins, slot_sample, shared: BinFactors, column, linear: slice) -> np.ndarray:
    """normfactor and lumi, and the factors of single bins that are not local."""
    used = np.zeros((slot_sample.size, linear.stop - linear.start, 1), bool)
    row, place, _ = _by_row(channels, slot_sample, model.factors, column[model.factors.parameter] - linear.start)
    used[row, place] = True
    if bins.shape[1] == 1:
        for row, (sample, bin_) in enumerate(
            zip(slot_sample.ravel(), np.tile(bins[:, 0], len(slot_sample)), strict=True)
        ):
            here = (shared.sample == sample) & (shared.bin == bin_)
            used[row, column[shared.parameter[here]] - linear.start] = True
    return used


def _masks(model, single, bins, slot, slot_sample) -> tuple[np.ndarray, np.ndarray]:
    parameter, bin_ = single
    place = _places(model, bins)
    rank_of = np.full(len(model.names), -1)
    rank_of[parameter] = _rank(bin_)
    number = rank_of[parameter[place[bin_, 0] >= 0]].max(initial=-1) + 1
    mask = np.zeros((number, len(slot_sample), *bins.shape), bool)
    entries = model.bin_factors
    used = (place[entries.bin, 0] >= 0) & (rank_of[entries.parameter] >= 0)
    sample, (channel, position) = entries.sample[used], place[entries.bin[used]].T
    kept = slot[sample, channel] >= 0
    rank = rank_of[entries.parameter[used]]
    mask[rank[kept], slot[sample, channel][kept], channel[kept], position[kept]] = True
    full = (mask | (slot_sample < 0)[..., None]).all(axis=(1, 2, 3))
    return mask[..., None], full
