"""Parameters that the data cannot tell apart."""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import nnls
from scipy.sparse.csgraph import connected_components

from muscan.diagnosis.findings import Parts
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.histfactory.poisson import LEAST_VARIANCE

# Singular values of the responses, whose columns have length one, and components of directions below this are zero.
NOTHING = 1e-8
DIGITS = 12  # in which effects must agree to be the same


def flat_groups(likelihood: Likelihood, free: np.ndarray) -> list[np.ndarray]:
    """Groups of parameters along which the likelihood is flat.

    A direction in which no expected count changes is flat if it has no constraint; so only free parameters without one
    take part. With J the derivatives of the expected events, it is in the null space of J^T diag(1 / nu) J. Two random
    points near the initial values are looked at, so that no direction is taken for flat that is so at one point only.

    Args:
        free: indices of parameters without a constraint that have an effect.
    """
    if len(free) < 2:
        return []
    spaces = [_null_space(likelihood, point, free) for point in _points(likelihood.model, free)]
    directions = min(spaces, key=lambda each: each.shape[1])
    together = np.abs(directions @ directions.T) > NOTHING**0.5
    number, label = connected_components(together, directed=False)
    groups = [free[label == i] for i in range(number)]
    return [group for group in groups if len(group) > 1]


def _points(model: Model, free: np.ndarray) -> Iterator[np.ndarray]:
    """Two points near the initial values, always the same, at which no factor is zero."""
    rng = np.random.default_rng(0)
    low, high = model.bounds.T
    widths = np.nan_to_num(model.constrained_widths())
    for _ in range(2):
        point = model.initial + 0.3 * widths * rng.uniform(-1, 1, len(widths))
        initial = np.where(model.initial[free] == 0, 1.0, model.initial[free])
        point[free] = initial * rng.uniform(0.7, 1.3, len(free))
        yield np.where(model.fixed, model.initial, np.clip(point, low, high))


def _null_space(likelihood: Likelihood, point: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Orthonormal directions of the free parameters in which nothing changes, shape (len(free), number)."""
    nmain = likelihood.model.nmain
    variance = np.maximum(likelihood.asimov(point)[:nmain], LEAST_VARIANCE)
    response = likelihood.jacobian(point)[:nmain, free] / np.sqrt(variance)[:, None]
    length = np.linalg.norm(response, axis=0)
    moves = length > 0
    _, values, directions = np.linalg.svd(response[:, moves] / length[moves])
    rank = int((values > NOTHING).sum())
    found = np.zeros((len(free), moves.sum() - rank))
    found[moves] = directions[rank:].T
    return found


def swallows_poi(parts: Parts, free: np.ndarray) -> bool:
    """Whether other factors can undo any value of the POI, however large: no value is then excluded.

    They can if each template that the POI multiplies has factors which multiply nothing but such templates, and may
    fall to zero: if powers y_k >= 0 exist with sum_k a_tk y_k = a_t for the powers a_tk and a_t with which the factor k
    and the POI multiply the template t. At the POI times lambda, k falls by lambda ** -y_k. Factors whose upper bound
    nobody has stated may rise too: their y_k may also be negative.

    Args:
        parts: of the model.
        free: indices of the other parameters that are neither fixed nor constrained.
    """
    model, possible, channel = parts.model, parts.possible, parts.channel
    others = np.union1d(model.normsys.parameter, model.histosys.parameter)
    if model.poi in others:
        return False
    usable = free[~np.isin(free, others)]
    factors, single = model.factors, model.bin_factors
    powers = np.zeros((len(usable) + 1, *possible.shape))
    for i, parameter in enumerate([*usable, model.poi]):
        of = factors.parameter == parameter
        for sample, where in zip(factors.sample[of], factors.channel[of], strict=True):
            powers[i, sample, channel == where] += 1
        of = single.parameter == parameter
        np.add.at(powers[i], (single.sample[of], single.bin[of]), 1)
    *of_others, of_poi = np.unique(powers[:, possible], axis=1)
    columns = np.array(of_others).reshape(len(usable), -1)
    ways = np.concatenate([columns[model.bounds[usable, 0] <= 0], -columns[model.grows[usable]]])
    return bool(len(ways)) and bool(nnls(ways.T, of_poi)[1] < NOTHING)


def same_effect(parts: Parts) -> list[np.ndarray]:
    """Groups of parameters whose normsys and histosys change all yields alike, by the same amounts."""
    model = parts.model
    norm, shift = model.normsys, model.histosys
    somewhere = parts.per_channel(parts.possible)[norm.sample, norm.channel]
    changed = parts.possible[shift.sample, shift.bin] & ((shift.down != 0) | (shift.up != 0))
    tables = [
        (norm, norm.channel, norm.low, norm.high, somewhere & ((norm.low != 1) | (norm.high != 1))),
        (shift, shift.bin, shift.down, shift.up, changed),
    ]
    effects: dict[int, bytes] = {}
    for entries, place, low, high, there in tables:
        columns = [np.round(each[there], DIGITS) for each in (entries.sample, place, low, high)]
        parameter = entries.parameter[there]
        order = np.lexsort((columns[1], columns[0], parameter))
        rows = np.stack(columns, axis=1)[order] + 0.0  # no minus before a zero
        ends = np.cumsum(np.bincount(parameter, minlength=len(model.names)))
        for each in np.unique(parameter):
            mine = rows[ends[each - 1] if each else 0 : ends[each]]
            effects[each] = effects.get(each, b"") + entries._fields[0].encode() + mine.tobytes()
    other = np.union1d(model.factors.parameter, model.bin_factors.parameter)
    groups: dict[bytes, list[int]] = {}
    for parameter, effect in effects.items():
        if parts.constrained[parameter] and not parts.held[parameter] and parameter not in other:
            groups.setdefault(effect, []).append(parameter)
    return [np.array(group) for group in groups.values() if len(group) > 1]
