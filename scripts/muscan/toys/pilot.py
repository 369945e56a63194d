"""How far a scan with toys must go: a few toys that say whether a mu is beyond all limits."""

from functools import partial

import numpy as np

from muscan.base.errors import FitError
from muscan.histfactory.model import digest
from muscan.inference.fits import Fits
from muscan.inference.hypotest import Prepared, hypotests
from muscan.toys import pseudo_data
from muscan.toys.tail_counts import Point, counted

# CLs = 0.05 is known to 15 % from so many toys; they are a hundredth of those of a scan.
TOYS = 1000


class Pilot:
    """A few toys at any mu, with random streams that nothing else uses."""

    def __init__(self, engine, prepared: Prepared, test_statistic: str, alpha: float, seed: int):
        self._engine, self._prepared, self._statistic, self._alpha = engine, prepared, test_statistic, alpha
        self._stream = partial(pseudo_data.stream, seed, digest(engine.model), "pilot", block=0)
        self._free: tuple[np.ndarray, Fits] | None = None  # of background-only toys

    def excludes(self, mu: float) -> bool:
        """Whether all six CLs are below `alpha`; also where the fit with this mu fails, as toys have no way beyond."""
        engine, statistic = self._engine, self._statistic
        (tested,) = hypotests(engine, self._prepared, [mu], statistic, "asymptotics")
        if isinstance(tested, FitError):
            return True
        self._free = self._free or self._thrown(self._prepared.reference.parameters, 0.0)
        signal = pseudo_data.test(engine, *self._thrown(tested.parameters, mu), mu, statistic)
        background = pseudo_data.test(engine, *self._free, mu, statistic)
        cls = counted([Point(mu, tested.q_obs, signal.q, background.q)]).CLs()
        return bool(np.nanmax(cls, initial=0.0) < self._alpha)

    def _thrown(self, parameters: np.ndarray, mu: float) -> tuple[np.ndarray, Fits]:
        data = pseudo_data.throw(self._engine.likelihood, parameters, TOYS, self._stream(mu=mu))
        return data, self._engine.fit(data, [parameters])
