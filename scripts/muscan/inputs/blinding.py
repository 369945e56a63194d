"""Blind analyses: the observed main data are replaced by what the background alone lets expect, before any fit."""

import numpy as np

from muscan.base.errors import InputError
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import Model


def blinded(workspace: dict) -> dict:
    """The workspace with background expectation in the place of its observations, which are not looked at.

    The expectation is that of mu = 0, of constrained parameters at their auxiliary measurements, and of all others at
    their initial values. A fit to it returns these parameters, so the limits are the expected ones before any fit to
    the main data.

    Args:
        workspace: pyhf JSON of one measurement.

    Raises:
        InputError: if the workspace cannot be a model, or expects a negative number of events.
    """
    model = compile_workspace(workspace | {"observations": _zeros(workspace)})
    expected = Likelihood(model).asimov(before_any_fit(model))[: model.nmain]
    if not (expected >= 0).all():
        channel = next(name for name, bins in model.bins.items() if not (expected[bins] >= 0).all())
        raise InputError(f"channel {channel!r} cannot be blinded: the expected background of a bin is negative")
    observations = [{"name": name, "data": expected[bins].tolist()} for name, bins in model.bins.items()]
    return workspace | {"observations": observations}


def before_any_fit(model: Model) -> np.ndarray:
    """Parameters that only the auxiliary measurements determine, without signal, shape (npar,)."""
    parameters = model.initial.copy()
    constraints = model.constraints
    measured = model.data[model.nmain :] / constraints.factor
    free = ~model.fixed[constraints.parameter]
    parameters[constraints.parameter[free]] = measured[free]
    parameters = np.clip(parameters, *model.known_bounds.T)
    parameters[model.poi] = 0.0
    return parameters


def _zeros(workspace: dict) -> list[dict]:
    """Zero events in as many bins as the templates have; a workspace of another form is refused later."""
    try:
        return [
            {"name": channel["name"], "data": [0.0] * len(channel["samples"][0]["data"])}
            for channel in workspace["channels"]
        ]
    except (KeyError, IndexError, TypeError):
        return []
