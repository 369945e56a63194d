"""A few toys that say whether a signal strength is beyond all limits: how far a scan with toys must go."""

from functools import partial

import numpy as np

from muscan.base.errors import FitError
from muscan.histfactory.model import model_digest
from muscan.inference.engine import Engine
from muscan.inference.fits import Fits
from muscan.inference.hypotest import Prepared, hypotests
from muscan.toys import pseudo_data
from muscan.toys.tail_counts import PointStatistics, count_tails

# So many toys determine CLs = 0.05 to 15 %; they are about a hundredth of the toys of a scan.
PILOT_TOYS = 1000


class Pilot:
    """A few toys at any mu, with random streams that nothing else uses.

    Args:
        engine: fits the toys.
        prepared: the fits to the data that do not depend on mu.
        test_statistic: "qtilde" or "q".
        alpha: 1 - confidence level.
        seed: of all random numbers.
    """

    def __init__(self, engine: Engine, prepared: Prepared, test_statistic: str, alpha: float, seed: int):
        self._engine, self._prepared, self._statistic, self._alpha = engine, prepared, test_statistic, alpha
        self._stream = partial(pseudo_data.stream, seed, model_digest(engine.model), "pilot", block=0)
        self._background: tuple[np.ndarray, Fits] | None = None  # background-only toys and their free fits

    def excludes(self, mu: float) -> bool:
        """Return whether all six CLs are below alpha.

        It is True where the fit to the data with this mu fails too, because toys cannot be thrown there.
        """
        engine, statistic = self._engine, self._statistic
        (tested,) = hypotests(engine, self._prepared, [mu], statistic, "asymptotics")
        if isinstance(tested, FitError):
            return True
        self._background = self._background or self._throw_and_fit(self._prepared.reference.parameters, 0.0)
        signal = pseudo_data.calculate_q(engine, *self._throw_and_fit(tested.parameters, mu), mu, statistic)
        background = pseudo_data.calculate_q(engine, *self._background, mu, statistic)
        cls = count_tails([PointStatistics(mu, tested.q_obs, signal.q, background.q)]).CLs()
        return bool(np.nanmax(cls, initial=0.0) < self._alpha)

    def _throw_and_fit(self, parameters: np.ndarray, mu: float) -> tuple[np.ndarray, Fits]:
        """Toys thrown from these parameters, and their free fits."""
        data = pseudo_data.throw(self._engine.likelihood, parameters, PILOT_TOYS, self._stream(mu=mu))
        return data, self._engine.fit(data, [parameters])
