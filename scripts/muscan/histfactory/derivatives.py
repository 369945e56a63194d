"""Derivatives of half the deviance of the bins, written block by block into one structured Hessian.

Rows of the Hessian stand for (sample, channel) pairs, on which normsys and normfactor act; the responses are the
expected events of the bins; the shifts are those of histosys.
"""

import numpy as np

from muscan.histfactory.cells import Cells, Evaluated
from muscan.histfactory.interpolation import KINKED
from muscan.histfactory.layout import Block, Layout
from muscan.histfactory.poisson import BinTerms
from muscan.optimize.problem import Derivatives


def of_bins(layout: Layout, at: Evaluated, terms: BinTerms, codes: dict[str, str]) -> Derivatives:
    """Return the derivatives of half the deviance of all bins, without constraints.

    Args:
        layout: of the model.
        at: its cells at B points, with derivatives.
        terms: of N bins at these points.
        codes: of the interpolation of "normsys" and "histosys".
    """
    found = _blank(layout, terms)
    for block, cells in zip(layout.blocks, at.cells, strict=True):
        _fill(found, layout, block, cells, terms, at.even)
    responses = found.factors[layout.rows : layout.rows + len(layout.bins)]
    count = layout.globals_
    np.einsum("nb,ngb->gb", terms.slope, responses, out=found.gradient[:count])
    np.multiply(terms.slope, found.by_local, out=found.gradient[count:].reshape(found.by_local.shape))
    found.diagonal[:] += np.einsum("nb,ngb,ngb->gb", terms.curvature, responses, responses)
    if not len(layout.kinked):
        return found
    return found._replace(other_side=_other_side(found, layout, at, terms, codes))


def _blank(layout: Layout, terms: BinTerms) -> Derivatives:
    """Room for what the blocks find."""
    bins, fits = terms.value.shape
    count, number = layout.globals_, layout.locals_
    shifts = layout.shifted.stop - layout.shifted.start
    weight = np.empty((layout.rows + bins, fits))
    weight[layout.rows :] = terms.curvature
    return Derivatives(
        value=terms.value.sum(axis=0),
        gradient=np.empty((len(layout.order), fits)),
        factors=np.zeros((layout.rows + bins + number * bins, count, fits)),
        weight=weight,
        shifts=np.zeros((layout.rows, shifts, fits)),
        shifted=layout.shifted,
        diagonal=np.zeros((count, fits)),
        local=np.zeros((number, number, bins, fits)),
        prior=np.zeros((len(layout.order), 1)),
        information=terms.information,
        by_local=np.zeros((number, bins, fits)),
        other_side=None,
    )


def _fill(found: Derivatives, layout: Layout, block: Block, cells: Cells, terms: BinTerms, even) -> None:
    """Write the derivatives of the rows and bins of a block."""
    size, channels, width, fits = cells.events.shape
    rows, places = block.rows, block.places
    slopes = found.factors[rows]
    if cells.norm:
        cells.norm.write_slopes(slopes[:, layout.norm])
    if cells.linear is not None:
        slopes[:, layout.linear] += np.where(block.linear, 1 / cells.linear, 0.0)
    weight = terms.slope[places].reshape(channels, width, fits)
    of_rows = (weight * cells.events).sum(axis=2).reshape(-1, fits)
    found.weight[rows] = of_rows
    if cells.norm:
        found.diagonal[layout.norm] += cells.norm.sum_over_rows("bend", of_rows)
    if len(block.shifts):
        weighted = weight * cells.scale
        shifts = found.shifts[rows]
        changes, halves = block.shifts.over_bins(weighted, even[1])
        shifts[:] = changes.reshape(shifts.shape)
        found.diagonal[layout.shifted] += even[2] * halves + 2 * np.einsum(
            "rhb,rhb->hb", slopes[:, layout.shifted], shifts
        )
    by_row = slopes.reshape(size, channels, -1, fits)
    responses = found.factors[layout.rows + places.start : layout.rows + places.stop]
    responses = responses.reshape(channels, width, -1, fits)
    _respond(layout, block, cells.events, cells.scale, by_row, even[1], responses)
    _fill_locals(found, layout, block, cells, terms, by_row, even[1], responses)


def _respond(layout: Layout, block: Block, events, scale, by_row, slope, responses: np.ndarray) -> None:
    """Write the derivatives of the sum over samples by the global parameters, shape (C, M, G, B)."""
    np.einsum("scmb,scgb->cmgb", events, by_row, out=responses)
    if len(block.shifts):
        responses[:, :, layout.shifted] += block.shifts.over_samples(scale, slope)


def _fill_locals(found: Derivatives, layout, block, cells, terms, by_row, slope, responses) -> None:
    channels, width, _, fits = responses.shape
    places = block.places
    weight, curvature = (each[places].reshape(channels, width, fits) for each in (terms.slope, terms.curvature))
    by_local = found.by_local[:, places].reshape(layout.locals_, channels, width, fits)
    mixed = found.mixed
    for k, gamma in enumerate(cells.gammas):
        events = cells.events / gamma
        if block.full[k]:
            bent = responses / gamma[:, :, None]
        else:
            events = np.where(block.mask[k], events, 0.0)
            bent = np.empty_like(responses)
            scale = np.where(block.mask[k], cells.scale / gamma, 0.0)
            _respond(layout, block, events, scale, by_row, slope, bent)
        by_local[k] = events.sum(axis=0)
        bent *= weight[:, :, None]
        bent += (curvature * by_local[k])[:, :, None] * responses
        mixed[k, places] = bent.reshape(-1, *bent.shape[2:])
        for j in range(k + 1):
            both = curvature * by_local[k] * by_local[j]
            if j < k:
                both += weight * np.where(block.mask[j], events / cells.gammas[j], 0.0).sum(axis=0)
            found.local[k, j, places] = found.local[j, k, places] = both.reshape(-1, fits)
    found.by_local[:, places] = by_local.reshape(layout.locals_, channels * width, fits)


def _other_side(
    found: Derivatives, layout: Layout, at: Evaluated, terms: BinTerms, codes: dict[str, str]
) -> np.ndarray:
    """The gradient on the other side of the kinks at alpha = 0, shape (P, B)."""
    other = found.gradient.copy()
    for block, cells in zip(layout.blocks, at.cells, strict=True):
        if codes["histosys"] in KINKED:
            weight = terms.slope[block.places].reshape(cells.events.shape[1:]) * cells.scale
            halves = block.shifts.even
            other[layout.shifted] -= 2 * at.even[1] * np.einsum("hscm,scmb->hb", halves, weight)
        if cells.norm and codes["normsys"] in KINKED:
            slope = block.norm.other_side(at.theta[layout.norm])
            weight = found.weight[block.rows]
            change = np.einsum("rb,rab->ab", weight, slope) - cells.norm.sum_over_rows("slope", weight)
            other[layout.norm] += change
    return other
