"""A model whose best fit lies far away, where one bin of the signal is emptied: it has a closed form."""

import numpy as np

from helpers.workspaces import MU, workspace

OBSERVED, SIGNAL, BACKGROUND = np.array([45.0, 84.0]), [34.2, 1.13], [79.7, 68.4]
WIDTH = 0.881  # relative, of the gamma of the first bin
# The excess of the second bin is all signal; in the first bin the gamma of staterror makes the signal zero, at the
# price 1 / WIDTH^2. Else mu stays at zero, because of the deficit in the first bin.
MU_HAT = (OBSERVED[1] - BACKGROUND[1]) / SIGNAL[1]
FIRST, SECOND = 2 * (BACKGROUND - OBSERVED + OBSERVED * np.log(OBSERVED / BACKGROUND))
LOWEST, ABOVE = FIRST + 1 / WIDTH**2, FIRST + SECOND  # deviances


def far_valley(width: float = WIDTH) -> dict:
    """Too few events where most of the signal is, too many where hardly any of it is."""
    modifiers = [("mc", "staterror", [width * SIGNAL[0], 0.427]), ("own", "shapesys", [54.72, 1.3])]
    signal, background = (SIGNAL, [MU, *modifiers]), (BACKGROUND, [])
    return workspace({"A": (OBSERVED.tolist(), {"signal": signal, "background": background})})
