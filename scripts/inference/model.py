"""A HistFactory model as the fits see it: yields as a function of the parameters, constraints as plain arrays."""

import json
from typing import NamedTuple

import numpy as np
import pyhf

from inference.errors import InputError

# The first of each is the default.
INTERPOLATIONS = {"normsys": ("code4", "code1"), "histosys": ("code4p", "code0", "code2")}


class Constraints(NamedTuple):
    """One entry per auxiliary measurement; `expected = factor * parameter`.

    A Gaussian measurement has width `sigma` (and factor 1); a Poisson one has `factor = tau`.
    """

    parameter: np.ndarray  # index of the constrained parameter, shape (naux,)
    is_poisson: np.ndarray  # shape (naux,)
    factor: np.ndarray  # shape (naux,)
    sigma: np.ndarray  # shape (naux,); width of the parameter, 1/sqrt(tau) for a Poisson measurement


class Model:
    """The model of one measurement of a workspace.

    Attributes:
        names: parameter names, bins of a parameter as `name[0]`, in pyhf's order.
        initial, fixed: start values and fixed flags, shape (npar,).
        bounds: shape (npar, 2); the POI's follow the scan, see `set_poi_bounds`.
        poi: index of the parameter of interest.
        channels: {name: slice of its bins in the main data}.
        samples: sample names, in the order of `expected_by_sample`.
        data: observed main data followed by the auxiliary data, shape (nmain + naux,).
    """

    def __init__(self, workspace: dict, interpolation: dict | None = None):
        """Build the model of the first measurement of a pyhf workspace.

        Args:
            workspace: pyhf JSON.
            interpolation: interpolation codes by modifier type, `{"normsys": "code4", "histosys": "code4p"}`.

        Raises:
            InputError: if pyhf does not accept the workspace or it has no parameter of interest.
        """
        codes = {kind: known[0] for kind, known in INTERPOLATIONS.items()} | (interpolation or {})
        settings = {kind: {"interpcode": code} for kind, code in codes.items()}
        try:
            json.dumps(workspace, allow_nan=False)
        except ValueError as error:
            raise InputError("the workspace holds a number that is not finite (NaN or Infinity)") from error
        try:
            parsed = pyhf.Workspace(workspace)
            self._pyhf = parsed.model(modifier_settings=settings)
            self.data = np.asarray(parsed.data(self._pyhf), dtype=float)
        except (MemoryError, OSError):
            raise
        except Exception as error:  # pyhf meets bad workspaces with exceptions of many kinds
            raise InputError(f"pyhf does not accept the workspace: {type(error).__name__}: {error}") from error
        config = self._pyhf.config
        if config.poi_index is None:
            raise InputError(
                "the measurement names no parameter of interest (POI) that the model has: "
                "a background-only workspace needs a patch that adds the signal"
            )
        self.poi = int(config.poi_index)
        self.names = list(config.par_names)
        self.initial = np.asarray(config.suggested_init(), dtype=float)
        self.fixed = np.asarray(config.suggested_fixed(), dtype=bool)
        self.bounds = np.asarray(config.suggested_bounds(), dtype=float)
        self.samples = list(config.samples)
        self.channels = {name: config.channel_slices[name] for name in config.channels}
        self.nmain = int(config.nmaindata)
        self.constraints = _constraints(config)
        self._check_data(parsed.observations)
        if self.fixed[self.poi]:
            raise InputError(f"the parameter of interest, {self.names[self.poi]}, is fixed by the workspace")

    def _check_data(self, observations: dict[str, list[float]]) -> None:
        """What pyhf accepts without a word, and what would then give a wrong likelihood."""
        for channel, bins in self.channels.items():
            observed = observations[channel]
            if len(observed) != bins.stop - bins.start:
                raise InputError(
                    f"channel {channel!r} has {len(observed)} bins of observed data "
                    f"and templates of {bins.stop - bins.start}"
                )
            if min(observed) < 0:
                raise InputError(f"channel {channel!r} has negative observed data: {min(observed):g}")
        if not np.isfinite(self.expected(self.initial)).all():
            raise InputError("the expected events at the nominal parameters are not all finite")

    @property
    def poi_name(self) -> str:
        return self.names[self.poi]

    def set_poi_bounds(self, low: float, high: float) -> None:
        """Replace the bounds of the POI in every fit."""
        self.bounds[self.poi] = low, high

    def expected_by_sample(self, parameters: np.ndarray) -> np.ndarray:
        """Expected events per sample and bin, shape (nsamples, nmain); zero where a channel lacks the sample."""
        return np.asarray(self._pyhf.main_model.expected_data(parameters, return_by_sample=True))

    def expected_main(self, parameters: np.ndarray) -> np.ndarray:
        """Expected events per bin, shape (nmain,)."""
        return np.asarray(self._pyhf.main_model.expected_data(parameters))

    def expected_auxiliary(self, parameters: np.ndarray) -> np.ndarray:
        """Expected auxiliary measurements, shape (naux,)."""
        return self.constraints.factor * parameters[self.constraints.parameter]

    def expected(self, parameters: np.ndarray) -> np.ndarray:
        """Asimov data at `parameters`, main then auxiliary, shape (nmain + naux,)."""
        return np.concatenate([self.expected_main(parameters), self.expected_auxiliary(parameters)])

    def constrained_widths(self) -> np.ndarray:
        """Width of each parameter's constraint, shape (npar,); nan where there is none or the parameter is fixed."""
        widths = np.full(len(self.names), np.nan)
        widths[self.constraints.parameter] = self.constraints.sigma
        widths[self.fixed] = np.nan
        return widths


def _constraints(config) -> Constraints:
    parameter, is_poisson, factor, sigma = [], [], [], []
    for name in config.auxdata_order:
        parameters = config.param_set(name)
        indices = np.arange(config.par_slice(name).start, config.par_slice(name).stop)
        poisson = parameters.pdf_type == "poisson"
        parameter.append(indices)
        is_poisson.append(np.full(len(indices), poisson))
        factor.append(np.asarray(parameters.factors, dtype=float) if poisson else np.ones(len(indices)))
        sigma.append(np.asarray(parameters.width(), dtype=float))
    if not parameter:
        return Constraints(np.zeros(0, int), np.zeros(0, bool), np.zeros(0), np.zeros(0))
    return Constraints(*(np.concatenate(parts) for parts in (parameter, is_poisson, factor, sigma)))
