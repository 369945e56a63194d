"""Batches: arrays whose last axis counts fits. A batch of one is calculated as a batch of two.

NumPy works along the last axis, and no sum of ours runs over it: what one fit gives does not depend on the others.
There is one exception. Where the last axis has the length one, NumPy and its BLAS add the same numbers in another
order. A fit that is alone is therefore calculated twice, and one of the two results is used. Only this module knows.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np


def never_alone(which: np.ndarray) -> np.ndarray:
    """Return the numbers of fits that make up a batch, shape (B,); that of a single fit twice."""
    return np.repeat(which, 2) if len(which) == 1 else which


def batch_of(values: np.ndarray) -> np.ndarray:
    """Return the batch of one set of values of shape (n,): shape (n, 2)."""
    return np.repeat(np.asarray(values)[:, None], 2, axis=1)


def takes_one(method: Callable) -> Callable:
    """Let a method that maps batches of shape (n, B) to one of shape (..., B) also take batches of one fit."""

    @wraps(method)
    def of_any_number(self, *batches: np.ndarray) -> np.ndarray:
        if batches[0].shape[-1] != 1:
            return method(self, *batches)
        return method(self, *(np.repeat(each, 2, axis=-1) for each in batches))[..., :1]

    return of_any_number
