"""Parameters of a model, with pyhf's order, defaults and rules."""

from dataclasses import dataclass, replace

import numpy as np

from muscan.base.errors import InputError

# pyhf collects the parameters type by type; those of staterror come last of their type's turn.
FACTOR_BOUNDS = (0.0, 10.0)  # of normfactors and shapefactors
MOST = 1e9  # of the POI: a signal whose limit is above has no effect
TYPES = ("histosys", "lumi", "normfactor", "normsys", "shapefactor", "shapesys", "staterror")


@dataclass(frozen=True)
class ParameterSet:
    """The parameters of one name: a scalar, or one per bin."""

    constraint: str | None  # "normal", "poisson" or None
    size: int
    scalar: bool
    inits: tuple
    bounds: tuple
    fixed: tuple
    auxdata: tuple = ()
    sigmas: tuple = ()
    factors: tuple = ()
    stated: bool = False  # whether a measurement gives the bounds

    @property
    def width(self) -> np.ndarray:
        if self.constraint == "poisson":
            with np.errstate(divide="ignore"):
                return np.sqrt(1.0 / np.asarray(self.factors, dtype=float))
        return np.asarray(self.sigmas)


def normfactor() -> ParameterSet:
    return ParameterSet(None, 1, True, (1.0,), (FACTOR_BOUNDS,), (False,))


def alpha() -> ParameterSet:
    """normsys and histosys."""
    return ParameterSet("normal", 1, True, (0.0,), ((-5.0, 5.0),), (False,), (0.0,), (1.0,))


def lumi() -> ParameterSet:
    """Its numbers come from the measurement."""
    return ParameterSet("normal", 1, True, (), (), (False,))


def shapefactor(size: int) -> ParameterSet:
    return ParameterSet(None, size, False, (1.0,) * size, (FACTOR_BOUNDS,) * size, (False,) * size)


def shapesys(nominal: list[float], uncertainty: list[float]) -> ParameterSet:
    valid = [events > 0 and error > 0 for events, error in zip(nominal, uncertainty, strict=True)]
    factors = tuple(
        (events**2 / error**2 if error**2 else np.inf) if good else 1.0
        for good, events, error in zip(valid, nominal, uncertainty, strict=True)
    )
    fixed = tuple(not good for good in valid)
    return _gammas("poisson", fixed, auxdata=factors, factors=factors)


def staterror(sigmas: np.ndarray) -> ParameterSet:
    """Bins without uncertainty are fixed, with a width of 1."""
    fixed = tuple(bool(sigma == 0) for sigma in sigmas)
    widths = tuple(1.0 if held else float(sigma) for held, sigma in zip(fixed, sigmas, strict=True))
    return _gammas("normal", fixed, auxdata=(1.0,) * len(fixed), sigmas=widths)


def _gammas(constraint: str, fixed: tuple, **numbers) -> ParameterSet:
    size = len(fixed)
    return ParameterSet(constraint, size, False, (1.0,) * size, ((1e-10, 10.0),) * size, fixed, **numbers)


def configured(name: str, default: ParameterSet, config: dict) -> ParameterSet:
    """Apply what a measurement says of the parameters of one name.

    Raises:
        InputError: if it says something that these parameters do not have, or not as much as there are parameters.
    """
    changes = {}
    for key in ("inits", "bounds", "auxdata", "sigmas", "factors"):
        if key not in config:
            continue
        if not _has(default, key):
            raise InputError(f"the measurement sets {key} of {name!r}, which has none")
        values = config[key]
        if len(values) != default.size:
            raise InputError(f"the measurement gives {len(values)} {key} for {name!r}, which needs {default.size}")
        changes[key] = tuple(tuple(each) for each in values) if key == "bounds" else tuple(values)
    changes["stated"] = "bounds" in config
    if "fixed" in config:
        changes["fixed"] = (bool(config["fixed"]),) * default.size
    result = replace(default, **changes)
    missing = [key for key in ("inits", "bounds", *_needed(result)) if len(getattr(result, key)) != result.size]
    if missing:
        raise InputError(f"the measurement must set {', '.join(missing)} of {name!r}")
    return result


def _needed(parameters: ParameterSet) -> tuple[str, ...]:
    return {"normal": ("auxdata", "sigmas"), "poisson": ("auxdata", "factors"), None: ()}[parameters.constraint]


def _has(parameters: ParameterSet, key: str) -> bool:
    if key == "sigmas":
        return parameters.constraint == "normal" and parameters != alpha()
    if key == "factors":
        return parameters.constraint == "poisson"
    return key != "auxdata" or parameters.constraint is not None
