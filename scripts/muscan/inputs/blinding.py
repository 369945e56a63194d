"""Blind analyses: before any fit, the observed events are replaced by the expected background."""

import numpy as np

from muscan.base.errors import InputError
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model


def blind_workspace(workspace: dict) -> dict:
    """Return a workspace with the expected background in place of its observations, which are not read.

    The expected events are those at mu = 0, with constrained parameters at their auxiliary measurements and all others
    at their initial values. A fit to them returns these parameters, so the limits are the expected limits before any
    fit to observed data.

    Args:
        workspace: pyhf JSON with one measurement.

    Raises:
        InputError: if the workspace is not a valid model, or a negative number of events is expected in a bin.
    """
    model = compile_workspace(workspace | {"observations": _zero_observations(workspace)})
    expected = Likelihood(model).asimov(prefit_background_parameters(model))[: model.nmain]
    if not (expected >= 0).all():
        channel = next(name for name, bins in model.bins.items() if not (expected[bins] >= 0).all())
        raise InputError(f"channel {channel!r} cannot be blinded: the expected background of a bin is negative")
    observations = [{"name": name, "data": expected[bins].tolist()} for name, bins in model.bins.items()]
    return workspace | {"observations": observations}


def prefit_background_parameters(model: Model) -> np.ndarray:
    """Return the parameters before any fit to observed events, with mu = 0.

    Constrained parameters are at their auxiliary measurements, all others at their initial values.

    Returns:
        shape (npar,).
    """
    parameters = model.initial.copy()
    constraints = model.constraints
    measured = model.data[model.nmain :] / constraints.factor
    free = ~model.fixed[constraints.parameter]
    parameters[constraints.parameter[free]] = measured[free]
    parameters = np.clip(parameters, *model.known_bounds.T)
    parameters[model.poi] = 0.0
    return parameters


def _zero_observations(workspace: dict) -> list[dict]:
    """Return observations of zero events in as many bins as the templates have.

    They are empty if the workspace is malformed, which the compiler reports.
    """
    try:
        return [
            {"name": channel["name"], "data": [0.0] * len(channel["samples"][0]["data"])}
            for channel in workspace["channels"]
        ]
    except (KeyError, IndexError, TypeError):
        return []
