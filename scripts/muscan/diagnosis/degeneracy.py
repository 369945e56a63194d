"""Parameters that the data cannot tell apart."""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import nnls
from scipy.sparse.csgraph import connected_components

from muscan.diagnosis.facts import ModelFacts
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model
from muscan.histfactory.poisson import LEAST_VARIANCE

# Singular values of responses with unit length, products of components, and residuals below this count as zero.
ZERO = 1e-8
EFFECT_DIGITS = 12  # decimal digits to which effects must agree to be the same
WIDTHS, FACTORS = 0.3, (0.7, 1.3)  # how far from the initial values the test points are: in widths, and as factors


def flat_groups(likelihood: Likelihood, free: np.ndarray) -> list[np.ndarray]:
    """Return groups of parameters along which the likelihood is flat, as arrays of indices.

    A direction in which no expected count changes is flat if no constraint acts in it, so only free parameters take
    part. With J the derivatives of the expected events nu, such directions are the null space of J^T diag(1 / nu) J.
    It is calculated at two points near the initial values, because a direction may be flat at a single point only.

    Args:
        likelihood: of the model.
        free: indices of the parameters without a constraint that have an effect.
    """
    if len(free) < 2:
        return []
    spaces = [_null_space(likelihood, point, free) for point in _test_points(likelihood.model, free)]
    directions = min(spaces, key=lambda space: space.shape[1])
    connected = np.abs(directions @ directions.T) > ZERO**0.5
    number, label = connected_components(connected, directed=False)
    groups = [free[label == i] for i in range(number)]
    return [group for group in groups if len(group) > 1]


def _test_points(model: Model, free: np.ndarray) -> Iterator[np.ndarray]:
    """Two points near the initial values, the same in every run, at which no factor is zero."""
    rng = np.random.default_rng(0)
    low, high = model.bounds.T
    widths = np.nan_to_num(model.constrained_widths())
    for _ in range(2):
        point = model.initial + WIDTHS * widths * rng.uniform(-1, 1, len(widths))
        initial = np.where(model.initial[free] == 0, 1.0, model.initial[free])
        point[free] = initial * rng.uniform(*FACTORS, len(free))
        yield np.where(model.fixed, model.initial, np.clip(point, low, high))


def _null_space(likelihood: Likelihood, point: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Orthonormal directions of the free parameters in which no yield changes, shape (len(free), number)."""
    nmain = likelihood.model.nmain
    variance = np.maximum(likelihood.asimov(point)[:nmain], LEAST_VARIANCE)
    response = likelihood.jacobian(point)[:nmain, free] / np.sqrt(variance)[:, None]
    length = np.linalg.norm(response, axis=0)
    responds = length > 0
    _, values, directions = np.linalg.svd(response[:, responds] / length[responds])
    rank = int((values > ZERO).sum())
    null_space = np.zeros((len(free), responds.sum() - rank))
    null_space[responds] = directions[rank:].T
    return null_space


def can_compensate_poi(facts: ModelFacts, free: np.ndarray) -> bool:
    """Return whether other factors can compensate any value of the POI, however large: no value is then excluded.

    Let the POI multiply template t with the power a_t, and factor k with the power a_tk. If the POI grows by a factor
    lambda and each factor k changes by lambda^(-y_k), all templates stay the same if sum_k a_tk y_k = a_t for all t,
    with a_t = 0 for templates that the POI does not multiply. A factor that may fall to zero allows y_k > 0, and one
    without a stated upper bound y_k < 0. Non-negative least squares decide whether such y_k exist.

    Args:
        facts: of the model.
        free: indices of the other parameters that are neither fixed nor constrained.
    """
    model, possible, channel = facts.model, facts.possible, facts.channel
    interpolated = np.union1d(model.normsys.parameter, model.histosys.parameter)
    if model.poi in interpolated:
        return False
    usable = free[~np.isin(free, interpolated)]
    factors, bin_factors = model.factors, model.bin_factors
    powers = np.zeros((len(usable) + 1, *possible.shape))
    for i, parameter in enumerate([*usable, model.poi]):
        rows = factors.parameter == parameter
        for sample, where in zip(factors.sample[rows], factors.channel[rows], strict=True):
            powers[i, sample, channel == where] += 1
        rows = bin_factors.parameter == parameter
        np.add.at(powers[i], (bin_factors.sample[rows], bin_factors.bin[rows]), 1)
    *of_factors, of_poi = np.unique(powers[:, possible], axis=1)
    columns = np.array(of_factors).reshape(len(usable), -1)
    allowed = np.concatenate([columns[model.bounds[usable, 0] <= 0], -columns[model.default_bounded[usable]]])
    return bool(len(allowed)) and bool(nnls(allowed.T, of_poi)[1] < ZERO)


def same_effect_groups(facts: ModelFacts) -> list[np.ndarray]:
    """Return groups of constrained parameters whose normsys and histosys change all yields by the same amounts."""
    model = facts.model
    other = np.union1d(model.factors.parameter, model.bin_factors.parameter)
    groups: dict[bytes, list[int]] = {}
    for parameter, effect in _effects(facts).items():
        if facts.constrained[parameter] and not facts.held[parameter] and parameter not in other:
            groups.setdefault(effect, []).append(parameter)
    return [np.array(group) for group in groups.values() if len(group) > 1]


def _effects(facts: ModelFacts) -> dict[int, bytes]:
    """All variations of each parameter as bytes, which are equal where the variations are."""
    model = facts.model
    norm, shift = model.normsys, model.histosys
    possible = facts.by_channel(facts.possible)[norm.sample, norm.channel]
    shifted = facts.possible[shift.sample, shift.bin] & ((shift.down != 0) | (shift.up != 0))
    tables = [
        (norm, norm.channel, norm.low, norm.high, possible & ((norm.low != 1) | (norm.high != 1))),
        (shift, shift.bin, shift.down, shift.up, shifted),
    ]
    effects: dict[int, bytes] = {}
    for entries, place, low, high, used in tables:
        columns = [np.round(column[used], EFFECT_DIGITS) for column in (entries.sample, place, low, high)]
        parameter = entries.parameter[used]
        order = np.lexsort((columns[1], columns[0], parameter))
        rows = np.stack(columns, axis=1)[order] + 0.0  # -0.0 becomes 0.0
        ends = np.cumsum(np.bincount(parameter, minlength=len(model.names)))
        for each in np.unique(parameter):
            rows_of_parameter = rows[ends[each - 1] if each else 0 : ends[each]]
            effects[each] = effects.get(each, b"") + entries._fields[0].encode() + rows_of_parameter.tobytes()
    return effects
