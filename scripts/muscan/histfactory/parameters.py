"""Parameters of a model, with pyhf's defaults, bounds and rules for each type of modifier."""

from dataclasses import dataclass, replace

import numpy as np

from muscan.base.errors import InputError

FACTOR_BOUNDS = (0.0, 10.0)  # pyhf's default for normfactors and shapefactors
ALPHA_BOUNDS = (-5.0, 5.0)  # pyhf's, of normsys and histosys, in standard deviations
GAMMA_BOUNDS = (1e-10, 10.0)  # pyhf's, of shapesys and staterror
LARGEST_MU = 1e9  # that a scan tests: a signal with a higher limit has no effect
# Types of modifiers, in the order in which pyhf collects their parameters.
TYPES = ("histosys", "lumi", "normfactor", "normsys", "shapefactor", "shapesys", "staterror")


@dataclass(frozen=True)
class ParameterSet:
    """The parameters of one name: a scalar, or one per bin.

    Attributes:
        constraint: "normal", "poisson", or None for free parameters.
        size: number of parameters.
        scalar: whether the name stands for one parameter; otherwise parameter i is called `name[i]`.
        inits: initial values.
        bounds: pairs of a lower and an upper bound.
        fixed: whether each parameter is held at its initial value in all fits.
        auxdata: auxiliary measurements.
        sigmas: widths of "normal" constraints.
        factors: expected auxiliary measurement at parameter = 1 (tau) of "poisson" constraints.
        stated: whether the measurement gives the bounds; otherwise they are pyhf's defaults.
    """

    constraint: str | None
    size: int
    scalar: bool
    inits: tuple
    bounds: tuple
    fixed: tuple
    auxdata: tuple = ()
    sigmas: tuple = ()
    factors: tuple = ()
    stated: bool = False

    @property
    def width(self) -> np.ndarray:
        """Standard deviations of the constraints, shape (size,); 1 / sqrt(tau) for "poisson"."""
        if self.constraint == "poisson":
            with np.errstate(divide="ignore"):
                return np.sqrt(1.0 / np.asarray(self.factors, dtype=float))
        return np.asarray(self.sigmas)


def normfactor() -> ParameterSet:
    """Return the free factor of a normfactor modifier."""
    return ParameterSet(None, 1, True, (1.0,), (FACTOR_BOUNDS,), (False,))


def alpha() -> ParameterSet:
    """Return the parameter of a normsys or histosys modifier, in units of its standard deviation."""
    return ParameterSet("normal", 1, True, (0.0,), (ALPHA_BOUNDS,), (False,), (0.0,), (1.0,))


def lumi() -> ParameterSet:
    """Return the parameter of a lumi modifier, whose values and width the measurement must give."""
    return ParameterSet("normal", 1, True, (), (), (False,))


def shapefactor(size: int) -> ParameterSet:
    """Return the free factors of a shapefactor modifier, one for each of `size` bins."""
    return ParameterSet(None, size, False, (1.0,) * size, (FACTOR_BOUNDS,) * size, (False,) * size)


def shapesys(nominal: list[float], uncertainty: list[float]) -> ParameterSet:
    """Return the factors of a shapesys modifier, one per bin, with Poisson constraints.

    The auxiliary measurement is tau = (events / uncertainty)^2. Bins without events or without an uncertainty are
    fixed, with tau = 1.

    Args:
        nominal: events of the sample in each bin.
        uncertainty: their absolute uncertainties.
    """
    valid = [events > 0 and error > 0 for events, error in zip(nominal, uncertainty, strict=True)]
    factors = tuple(
        (events**2 / error**2 if error**2 else np.inf) if good else 1.0
        for good, events, error in zip(valid, nominal, uncertainty, strict=True)
    )
    fixed = tuple(not good for good in valid)
    return _gammas("poisson", fixed, auxdata=factors, factors=factors)


def staterror(sigmas: np.ndarray) -> ParameterSet:
    """Return the factors of a staterror modifier, one per bin, with Gaussian constraints.

    Bins without an uncertainty are fixed, with a width of 1.

    Args:
        sigmas: relative uncertainties, shape (size,).
    """
    fixed = tuple(bool(sigma == 0) for sigma in sigmas)
    widths = tuple(1.0 if held else float(sigma) for held, sigma in zip(fixed, sigmas, strict=True))
    return _gammas("normal", fixed, auxdata=(1.0,) * len(fixed), sigmas=widths)


def _gammas(constraint: str, fixed: tuple, **numbers) -> ParameterSet:
    size = len(fixed)
    return ParameterSet(constraint, size, False, (1.0,) * size, (GAMMA_BOUNDS,) * size, fixed, **numbers)


def apply_settings(name: str, default: ParameterSet, settings: dict) -> ParameterSet:
    """Return the parameters of one name with the settings that a measurement gives for them.

    Args:
        name: of the parameters, for messages.
        default: without these settings.
        settings: an entry of the measurement's `parameters`, whose form has been checked.

    Raises:
        InputError: if a setting does not exist for these parameters or has a wrong length, or a needed one is missing.
    """
    changes = {}
    for key in ("inits", "bounds", "auxdata", "sigmas", "factors"):
        if key not in settings:
            continue
        if not _has_setting(default, key):
            raise InputError(f"the measurement sets {key} of {name!r}, which has none")
        values = settings[key]
        if len(values) != default.size:
            raise InputError(f"the measurement gives {len(values)} {key} for {name!r}, which needs {default.size}")
        changes[key] = tuple(tuple(pair) for pair in values) if key == "bounds" else tuple(values)
    changes["stated"] = "bounds" in settings
    if "fixed" in settings:
        changes["fixed"] = (bool(settings["fixed"]),) * default.size
    result = replace(default, **changes)
    missing = [key for key in _needed_settings(result) if len(getattr(result, key)) != result.size]
    if missing:
        raise InputError(f"the measurement must set {', '.join(missing)} of {name!r}")
    return result


def _needed_settings(parameters: ParameterSet) -> tuple[str, ...]:
    of_constraint = {"normal": ("auxdata", "sigmas"), "poisson": ("auxdata", "factors"), None: ()}
    return "inits", "bounds", *of_constraint[parameters.constraint]


def _has_setting(parameters: ParameterSet, key: str) -> bool:
    """Whether pyhf lets a measurement change this; the width of normsys and histosys is 1 by definition."""
    if key == "sigmas":
        return parameters.constraint == "normal" and parameters != alpha()
    if key == "factors":
        return parameters.constraint == "poisson"
    return key != "auxdata" or parameters.constraint is not None
