"""Fits with all proposals and without one of them, and pyhf's fits from many starting points as the reference."""

from itertools import product

import numpy as np

from helpers.judge import Judge
from helpers.workspaces import engine_of
from muscan.inference.newton import Newton
from muscan.inference.proposals import defaults
from muscan.inference.proposals.proposal import Proposal

LOWER = 1e-5  # in -2 log L; pyhf's fits stop that far above the minimum


class Compared:
    """The data of a workspace, fitted with all proposals and without one.

    Args:
        spec: the workspace; its observed data are fitted.
        left_out: the proposal.
        poi_bound: the largest mu.
    """

    def __init__(self, spec: dict, left_out: type[Proposal], poi_bound: float = 10.0):
        self.all = engine_of(spec, poi_bound=poi_bound)
        assert left_out in defaults.NEWTON
        self.without = Newton(self.all.model, tuple(each for each in defaults.NEWTON if each is not left_out))
        self.model, self.judge = self.all.model, Judge(spec, self.all.model)

    def point(self, **values: float) -> np.ndarray:
        """The initial values, except for these."""
        point = self.model.initial.copy()
        for name, value in values.items():
            point[self.model.names.index(name)] = value
        return point

    def end(self, engine: Newton, starts: list[np.ndarray], mu: float | None = None) -> float:
        """-2 log L, by pyhf, where a fit ends."""
        fits = engine.fit(self.model.data[:, None], starts, None if mu is None else np.array([mu]))
        return self.judge.value(fits.one(0).parameters, self.judge.data)

    def both_ends(self, start: np.ndarray, mu: float | None = None) -> tuple[float, float]:
        """-2 log L with all proposals and without the one."""
        return self.end(self.all, [start], mu), self.end(self.without, [start], mu)

    def lowest_of_pyhf(self, mu: float | None = None, **values: list[float]) -> float:
        """The lowest -2 log L of pyhf's fits from all combinations of these values."""
        points = [self.point(**dict(zip(values, each, strict=True))) for each in product(*values.values())]
        found = [self.judge.fit(point, self.judge.data, mu) for point in points]
        return min(self.judge.value(each, self.judge.data) for each in found if each is not None)
