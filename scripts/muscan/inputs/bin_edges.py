"""Compare bin edges that are stated several times. Edges that differ by rounding only count as the same edge."""

import numpy as np

# Largest distance between two statements of the same edge, as a fraction of the width of the narrower bin beside it.
# Sums of bin widths and single precision round by less, and nobody means bins to differ by so little.
TOLERANCE = 1e-6


def bins_meet(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return whether each bin ends where the next one begins.

    Args:
        low: lower edges, shape (nbins,).
        high: upper edges, shape (nbins,).

    Returns:
        booleans, shape (nbins,); true for the last bin.
    """
    gap = np.abs(low[1:] - high[:-1])
    return np.append(gap <= TOLERANCE * _narrower_widths(np.abs(high - low))[1:-1], True)


def edges_agree(edges: np.ndarray) -> np.ndarray:
    """Return whether all histograms have the same edge, for each edge.

    The result does not depend on the order of the histograms.

    Args:
        edges: shape (nhistograms, nedges).

    Returns:
        booleans, shape (nedges,).
    """
    widths = np.abs(np.diff(edges)).min(axis=0)
    return edges.max(axis=0) - edges.min(axis=0) <= TOLERANCE * _narrower_widths(widths)


def _narrower_widths(widths: np.ndarray) -> np.ndarray:
    """Return the width of the narrower bin beside each edge, shape (nbins + 1,)."""
    return np.minimum(np.append(widths, np.inf), np.insert(widths, 0, np.inf))


def representative_edges(edges: np.ndarray) -> np.ndarray:
    """Choose one value for each edge: the one closest to a number with few digits, or the smallest of several.

    The result does not depend on the order of the histograms.

    Args:
        edges: edges that agree, shape (nhistograms, nedges).

    Returns:
        shape (nedges,).
    """
    values_by_edge = (set(column) for column in np.transpose(edges).tolist())
    return np.array([min(values, key=_distance_to_short_number) for values in values_by_edge])


def _distance_to_short_number(edge: float) -> tuple[float, float]:
    """Return the distance to the number with seven digits, which is what single precision holds; then the edge."""
    return abs(edge - float(f"{edge:.7g}")), edge
