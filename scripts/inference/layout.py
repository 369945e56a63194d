"""The model as the batched likelihood needs it: blocks of channels with equal numbers of bins, as dense arrays.

A gamma of one bin (staterror, shapesys, shapefactor) is a local parameter: it can be eliminated bin by bin. All other
parameters are global. Rows stand for (sample, channel) pairs: what normsys and normfactor act on.
"""

from typing import NamedTuple

import numpy as np

from inference.interpolation import KINKED, NormInterpolation
from inference.model import BinFactors, Model

MOST_LOCALS = 3  # per bin; more are treated as global


class RowFactors(NamedTuple):
    """Entries that multiply rows, sorted by row."""

    rows: np.ndarray  # rows that have entries, shape (n,)
    starts: np.ndarray  # first entry of each of them, shape (n,)
    row: np.ndarray  # shape (entries,)
    parameter: np.ndarray  # shape (entries,)
    column: np.ndarray  # of the parameter among the global ones, shape (entries,)
    by_column: np.ndarray  # the entries sorted by column, shape (entries,)
    columns: np.ndarray  # columns that have entries, shape (m,)
    column_starts: np.ndarray  # first of the sorted entries of each of them, shape (m,)


class Block(NamedTuple):
    """Channels with equal numbers of bins: S samples at most, C channels, M bins each, K local parameters per bin."""

    bins: np.ndarray  # in the main data of the model, shape (C, M)
    slot_sample: np.ndarray  # sample that stands in a slot, -1 if none, shape (S, C)
    nominal: np.ndarray  # shape (S, C, M, 1)
    odd: np.ndarray  # (up - down) / 2 of each histosys parameter, shape (H, S, C, M)
    even: np.ndarray  # (up + down) / 2, shape (H, S, C, M)
    norm: RowFactors
    interpolate: NormInterpolation
    linear: RowFactors
    local: np.ndarray  # parameter, or npar where a bin has fewer, shape (K, C, M)
    mask: np.ndarray  # which samples it multiplies, shape (K, S, C, M, 1)
    full: np.ndarray  # whether it multiplies all samples, in all bins, shape (K,)


class Layout(NamedTuple):
    blocks: list[Block]
    order: np.ndarray  # bins of the blocks in the main data of the model, shape (nmain,)
    globals_: np.ndarray  # global parameters: those of histosys first, shape (G,)
    histosys: np.ndarray  # the H parameters of histosys, shape (H,)
    local: np.ndarray  # shape (K, nmain), npar where there is none
    kinked: np.ndarray  # among the global ones, shape (G,)


def layout(model: Model) -> Layout:
    npar = len(model.names)
    locals_, shared = _local_parameters(model)
    shifted = np.unique(model.histosys.parameter)
    others = np.setdiff1d(np.arange(npar), np.concatenate([shifted, locals_[0]]))
    globals_ = np.concatenate([shifted, others]).astype(int)
    column = np.full(npar + 1, -1)
    column[globals_] = np.arange(len(globals_))
    groups = _groups(model, shared)
    sizes = sorted({len(bins) for _, bins in groups})
    blocks = [
        _block(model, [group for group in groups if len(group[1]) == size], locals_, shared, shifted, column)
        for size in sizes
    ]
    order = np.concatenate([block.bins.ravel() for block in blocks])
    most = max(len(block.local) for block in blocks)
    local = np.concatenate([_padded(block, most, npar) for block in blocks], axis=1)
    return Layout(blocks, order, globals_, shifted, local, _kinked(model)[globals_])


def _padded(block: Block, most: int, filler: int) -> np.ndarray:
    local = block.local.reshape(len(block.local), block.bins.size)
    return np.pad(local, ((0, most - len(local)), (0, 0)), constant_values=filler)


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
    single = np.isin(pairs[0], parameters[number == 1]) & (pairs[0] != model.poi)
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
    locals_: tuple[np.ndarray, np.ndarray],
    shared: BinFactors,
    shifted: np.ndarray,
    column: np.ndarray,
) -> Block:
    channels = np.array([channel for channel, _ in groups])
    bins = np.stack([bins for _, bins in groups])
    slot = _slots(model, channels, bins)  # (nsamples, C), -1 where a channel lacks the sample
    size = slot.max(initial=-1) + 1
    sample, place = np.nonzero(slot >= 0)
    slot_sample = np.full((size, len(channels)), -1)
    slot_sample[slot[sample, place], place] = sample
    present = slot_sample >= 0
    nominal = np.where(present[..., None], model.nominal[slot_sample[..., None], bins], 0.0)
    odd, even = _shifts(model, bins, slot, size, shifted)
    rows = _row_map(slot, channels, size)
    norm, kept = _row_factors(rows, model.normsys.sample, model.normsys.channel, model.normsys.parameter, column)
    low, high = model.normsys.low[kept], model.normsys.high[kept]
    return Block(
        bins,
        slot_sample,
        nominal[..., None],
        odd,
        even,
        norm,
        NormInterpolation(low, high, model.interpolation["normsys"]),
        _linear(model, rows, channels, bins, slot, shared, column),
        *_locals(model, locals_, bins, slot, size),
    )


def _slots(model: Model, channels: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Number of a sample among those of a channel; templates without events in any variation are left out."""
    present = (model.nominal[:, bins] != 0).any(axis=2)
    where = np.full(model.nmain, -1)
    where[bins] = np.arange(len(channels))[:, None]
    inside = where[model.histosys.bin] >= 0
    present[model.histosys.sample[inside], where[model.histosys.bin[inside]]] = True
    return np.where(present, present.cumsum(axis=0) - 1, -1)


def _shifts(model: Model, bins: np.ndarray, slot: np.ndarray, size: int, shifted: np.ndarray):
    sample, bin_, parameter, down, up = model.histosys
    place = np.full((model.nmain, 2), -1)
    place[bins] = np.stack(np.indices(bins.shape), axis=-1)
    inside = place[bin_, 0] >= 0
    channel, position = place[bin_[inside]].T
    index = (np.searchsorted(shifted, parameter[inside]), slot[sample[inside], channel], channel, position)
    odd, even = np.zeros((2, len(shifted), size, *bins.shape))
    odd[index], even[index] = (up - down)[inside] / 2, (up + down)[inside] / 2
    return odd, even


def _row_map(slot: np.ndarray, channels: np.ndarray, size: int) -> dict[tuple[int, int], list[int]]:
    """Rows of each (sample, channel): several, where a channel was taken apart."""
    rows: dict[tuple[int, int], list[int]] = {}
    for sample, place in zip(*np.nonzero(slot >= 0), strict=True):
        rows.setdefault((int(sample), int(channels[place])), []).append(
            int(slot[sample, place] * len(channels) + place)
        )
    return rows


def _row_factors(rows: dict, samples, channels, parameters, column) -> tuple[RowFactors, np.ndarray]:
    """Entries by row, and which entries of the model they are."""
    found = [
        (row, i)
        for i, key in enumerate(zip(samples.tolist(), channels.tolist(), strict=True))
        for row in rows.get(key, ())
    ]
    row, entry = np.array(found, dtype=int).reshape(-1, 2).T
    order = np.lexsort((parameters[entry], row))
    row, entry = row[order], entry[order]
    return _sorted_factors(row, parameters[entry], column), entry


def _sorted_factors(row: np.ndarray, parameter: np.ndarray, column: np.ndarray) -> RowFactors:
    unique, starts = np.unique(row, return_index=True)
    own = column[parameter]
    by_column = np.argsort(own, kind="stable")
    columns, column_starts = np.unique(own[by_column], return_index=True)
    return RowFactors(unique, starts, row, parameter.astype(int), own, by_column, columns, column_starts)


def _linear(model, rows, channels, bins, slot, shared, column) -> RowFactors:
    """normfactor and lumi, and the factors of single bins that are not local."""
    factors, _ = _row_factors(rows, model.factors.sample, model.factors.channel, model.factors.parameter, column)
    place = np.full(model.nmain, -1)
    if bins.shape[1] == 1:
        place[bins[:, 0]] = np.arange(len(channels))
    inside = place[shared.bin] >= 0
    sample, where = shared.sample[inside], place[shared.bin[inside]]
    row = slot[sample, where] * len(channels) + where
    kept = slot[sample, where] >= 0
    row = np.concatenate([factors.row, row[kept]])
    parameter = np.concatenate([factors.parameter, shared.parameter[inside][kept]])
    order = np.lexsort((parameter, row))
    return _sorted_factors(row[order], parameter[order], column)


def _locals(model, locals_, bins, slot, size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    npar = len(model.names)
    parameter, bin_ = locals_
    rank = _rank(bin_)
    place = np.full((model.nmain, 2), -1)
    place[bins] = np.stack(np.indices(bins.shape), axis=-1)
    inside = place[bin_, 0] >= 0
    number = rank[inside].max(initial=-1) + 1
    local = np.full((number, *bins.shape), npar)
    local[(rank[inside], *place[bin_[inside]].T)] = parameter[inside]
    rank_of = np.full(npar, -1)
    rank_of[parameter] = rank
    mask = np.zeros((number, size, *bins.shape), bool)
    entries = model.bin_factors
    used = (place[entries.bin, 0] >= 0) & (rank_of[entries.parameter] >= 0)
    sample, (channel, position) = entries.sample[used], place[entries.bin[used]].T
    used_slot = slot[sample, channel]
    kept = used_slot >= 0
    mask[rank_of[entries.parameter[used]][kept], used_slot[kept], channel[kept], position[kept]] = True
    absent = np.ones((size, bins.shape[0]), bool)
    here = slot >= 0
    absent[slot[here], np.nonzero(here)[1]] = False
    full = (mask | absent[..., None]).all(axis=(1, 2, 3))
    return local, mask[..., None], full
