"""Expected events of each sample and bin of a block of channels: templates with their shifts, times factors."""

from typing import NamedTuple

import numpy as np

from muscan.histfactory.interpolation import Scaling, histosys_even_part
from muscan.histfactory.layout import Block, Layout

# A factor of zero is replaced by this, so that derivatives of a product can be written as product / factor, and so that
# a fit with mu = 0 is the limit of small mu where only the signal explains the events of a bin.
ALMOST_ZERO = 1e-30


class Cells(NamedTuple):
    """The cells of a block for B fits, and what their derivatives are made of.

    S samples at most, C channels, M bins each, N = C M bins, K local parameters per bin.
    """

    events: np.ndarray  # shape (S, C, M, B)
    nu: np.ndarray  # sum over samples, shape (N, B)
    scale: np.ndarray  # product of all factors, shape (S, C, M, B)
    norm: Scaling | None  # of normsys
    linear: np.ndarray | None  # of normfactor and lumi, shape (number, B)
    gammas: np.ndarray  # shape (K, C, M, B)


class Evaluated(NamedTuple):
    """All blocks of a layout at B points."""

    theta: np.ndarray  # parameters in the order of the layout, shape (P, B)
    even: tuple[np.ndarray, np.ndarray, np.ndarray]  # see `histosys_even_part`, each of shape (H, B)
    cells: list[Cells]  # of each block

    @property
    def nu(self) -> np.ndarray:
        """Expected events of each bin in the order of the layout, shape (N, B)."""
        parts = [each.nu for each in self.cells]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def evaluate(layout: Layout, theta: np.ndarray, code: str, derivatives: bool) -> Evaluated:
    """Return the cells of all blocks.

    Args:
        layout: of the model.
        theta: parameters in the order of the layout, shape (P, B).
        code: of the interpolation of histosys.
        derivatives: whether those of the factors of normsys are wanted.
    """
    even = histosys_even_part(theta[layout.shifted], code)
    return Evaluated(theta, even, [_cells(block, theta, even, layout, derivatives) for block in layout.blocks])


def _cells(block: Block, theta: np.ndarray, even: tuple[np.ndarray, ...], layout: Layout, derivatives: bool) -> Cells:
    size, channels, width = block.nominal.shape[:3]
    fits = theta.shape[1]
    norm = linear = None
    rows = np.ones((size * channels, fits))
    if layout.norm.stop:
        norm = block.norm(theta[layout.norm], derivatives)
        rows = norm.product
    if layout.linear.stop:
        linear = _off_zero(theta[layout.linear])
        rows = rows * np.where(block.linear, linear, 1.0).prod(axis=1)
    template = block.nominal
    if len(block.shifts):
        template = template + block.shifts.total(theta[layout.shifted], even[0])
    scale = rows.reshape(size, channels, 1, fits)
    gammas = theta[layout.globals_ :].reshape(layout.locals_, len(layout.bins), fits)[: len(block.mask), block.places]
    gammas = _off_zero(gammas.reshape(len(block.mask), channels, width, fits))
    for mask, full, gamma in zip(block.mask, block.full, gammas, strict=True):
        scale = scale * (gamma if full else np.where(mask, gamma, 1.0))
    scale = np.broadcast_to(scale, (size, channels, width, fits))
    events = template * scale
    return Cells(events, events.sum(axis=0).reshape(-1, fits), scale, norm, linear, gammas)


def _off_zero(factor: np.ndarray) -> np.ndarray:
    return np.where(np.abs(factor) < ALMOST_ZERO, ALMOST_ZERO, factor)
