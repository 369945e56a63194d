"""Batches: arrays whose last axis runs over fits. A batch of one fit is computed as a batch of two.

No sum runs over the last axis, so the result of one fit does not depend on the other fits of its batch. There is one
exception: if the last axis has length one, NumPy and its BLAS add the same numbers in another order, and the result
differs in the last bits. A single fit is therefore computed twice, and one of the two results is used. The functions of
this module do this; no other module needs to treat a single fit differently.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np


def repeat_single(which: np.ndarray) -> np.ndarray:
    """Return the indices of the fits of a batch, shape (B,); the index of a single fit is repeated."""
    return np.repeat(which, 2) if len(which) == 1 else which


def batch_of(values: np.ndarray) -> np.ndarray:
    """Return one set of values, shape (n,), as a batch of shape (n, 2): the values are repeated."""
    return np.repeat(np.asarray(values)[:, None], 2, axis=1)


def accept_single_fit(method: Callable) -> Callable:
    """Decorate a method on batches so that it also accepts batches of one fit.

    Args:
        method: takes batches of shape (n, B) and returns one of shape (..., B), for B of at least 2.
    """

    @wraps(method)
    def with_any_size(self, *batches: np.ndarray) -> np.ndarray:
        if batches[0].shape[-1] != 1:
            return method(self, *batches)
        return method(self, *(np.repeat(batch, 2, axis=-1) for batch in batches))[..., :1]

    return with_any_size
