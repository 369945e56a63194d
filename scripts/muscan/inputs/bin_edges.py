"""Edges of bins that are stated more than once: those that differ by rounding alone are the same."""

import numpy as np

# Of the width of the narrower bin beside an edge: sums of widths and single precision round by less; no bin is meant
# to differ by so little.
SAME = 1e-6


def adjacent(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Whether each bin ends where the next begins; the last one does, shape (nbins,)."""
    gap = np.abs(low[1:] - high[:-1])
    return np.append(gap <= SAME * _narrower(np.abs(high - low))[1:-1], True)


def shared(edges: np.ndarray) -> np.ndarray:
    """Whether all histograms have each edge, whatever their order, shape (nedges,).

    Args:
        edges: shape (nhistograms, nedges).
    """
    widths = np.abs(np.diff(edges)).min(axis=0)
    return edges.max(axis=0) - edges.min(axis=0) <= SAME * _narrower(widths)


def _narrower(widths: np.ndarray) -> np.ndarray:
    """Width of the narrower bin beside each edge, shape (nbins + 1,)."""
    return np.minimum(np.append(widths, np.inf), np.insert(widths, 0, np.inf))


def common(edges: np.ndarray) -> np.ndarray:
    """One of the edges that are the same, whatever their order: the one next to a round number, or the smallest.

    Args:
        edges: shape (nhistograms, nedges).
    """
    alike = (set(column) for column in np.transpose(edges).tolist())
    return np.array([min(column, key=_roundness) for column in alike])


def _roundness(edge: float) -> tuple[float, float]:
    """The distance to a number of as many digits as single precision holds."""
    return abs(edge - float(f"{edge:.7g}")), edge
