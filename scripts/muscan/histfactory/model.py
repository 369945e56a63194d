"""A HistFactory model as plain arrays: what the fits need of a workspace, and a file of it that NumPy alone reads."""

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from muscan.base.errors import InputError

# The first of each is the default.
INTERPOLATIONS = {"normsys": ("code4", "code1"), "histosys": ("code4p", "code0")}
FORMAT = 2  # of the file; another number is not read
STREAMS = 1  # another number gives every model other random numbers


class Constraints(NamedTuple):
    """One entry per auxiliary measurement; `expected = factor * parameter`.

    A Gaussian measurement has width `sigma` (and factor 1); a Poisson one has `factor = tau`.
    """

    parameter: np.ndarray  # index of the constrained parameter, shape (naux,)
    is_poisson: np.ndarray  # shape (naux,)
    factor: np.ndarray  # shape (naux,)
    sigma: np.ndarray  # shape (naux,); width of the parameter, 1/sqrt(tau) for a Poisson measurement


class NormSys(NamedTuple):
    """One entry per (channel, sample, parameter): the template is scaled by `low` at alpha = -1, `high` at +1."""

    channel: np.ndarray
    sample: np.ndarray
    parameter: np.ndarray
    low: np.ndarray
    high: np.ndarray


class HistoSys(NamedTuple):
    """One entry per (sample, bin, parameter): events added to the template, `down` at alpha = -1, `up` at +1."""

    sample: np.ndarray
    bin: np.ndarray
    parameter: np.ndarray
    down: np.ndarray
    up: np.ndarray


class Factors(NamedTuple):
    """One entry per (channel, sample, parameter): all bins of the template are multiplied by the parameter."""

    channel: np.ndarray
    sample: np.ndarray
    parameter: np.ndarray


class BinFactors(NamedTuple):
    """One entry per (sample, bin, parameter): that bin of the template is multiplied by the parameter."""

    sample: np.ndarray
    bin: np.ndarray
    parameter: np.ndarray


class Dropped(NamedTuple):
    """One entry per (sample, bin, parameter): an uncertainty, in events, that a workspace gives and that has no effect.

    shapesys and staterror multiply yields, and the parameters of bins whose yield is not positive are fixed.
    """

    sample: np.ndarray
    bin: np.ndarray
    parameter: np.ndarray
    size: np.ndarray


PARTS = {
    "constraints": Constraints,
    "normsys": NormSys,
    "histosys": HistoSys,
    "factors": Factors,
    "bin_factors": BinFactors,
    "dropped": Dropped,
}


@dataclass(frozen=True)
class Model:
    """The model of one measurement of a workspace.

    Attributes:
        names: parameter names, bins of a parameter as `name[0]`, in pyhf's order.
        initial, fixed: start values and fixed flags, shape (npar,).
        bounds: shape (npar, 2); the POI's follow the scan, see `with_poi_bounds`, and those of some factors the fits,
            see `grows`.
        stated: whether the workspace gives the bounds, shape (npar,); the others are pyhf's defaults.
        poi: index of the parameter of interest.
        channels: names; channel i has the bins `edges[i]` to `edges[i + 1]` of the main data.
        samples: names, in the order of the rows of `nominal`.
        data: observed main data followed by the auxiliary data, shape (nmain + naux,).
        nominal: templates, shape (nsamples, nmain); zero where a channel lacks the sample.
        normsys, histosys, factors (normfactor, lumi), bin_factors (shapefactor, shapesys, staterror): modifiers.
        dropped: uncertainties that have no effect; no fit looks at them.
        interpolation: code by modifier type, see INTERPOLATIONS.
    """

    names: list[str]
    initial: np.ndarray
    fixed: np.ndarray
    bounds: np.ndarray
    stated: np.ndarray
    poi: int
    channels: list[str]
    edges: np.ndarray
    samples: list[str]
    data: np.ndarray
    nominal: np.ndarray
    constraints: Constraints
    normsys: NormSys
    histosys: HistoSys
    factors: Factors
    bin_factors: BinFactors
    dropped: Dropped
    interpolation: dict[str, str]

    @property
    def poi_name(self) -> str:
        return self.names[self.poi]

    @property
    def nmain(self) -> int:
        return self.nominal.shape[1]

    @property
    def bins(self) -> dict[str, slice]:
        """Where the bins of each channel stand in the main data."""
        return {name: slice(self.edges[i], self.edges[i + 1]) for i, name in enumerate(self.channels)}

    def with_poi_bounds(self, low: float, high: float) -> "Model":
        """The same model with other bounds of the POI in every fit."""
        bounds = self.bounds.copy()
        bounds[self.poi] = low, high
        return replace(self, bounds=bounds)

    @cached_property
    def grows(self) -> np.ndarray:
        """Free factors whose upper bound is pyhf's default, shape (npar,): nobody said it, so no fit may end there."""
        grows = ~self.stated & ~self.fixed
        grows[self.constraints.parameter] = False
        grows[self.poi] = False
        return grows

    @cached_property
    def known_bounds(self) -> np.ndarray:
        """The bounds without those that only are a default of a free factor, shape (npar, 2)."""
        bounds = self.bounds.copy()
        bounds[self.grows, 1] = np.inf
        return bounds

    def without_defaults(self) -> "Model":
        """The same model without upper bounds of the factors that have none but a default."""
        return replace(self, bounds=self.known_bounds, stated=np.ones_like(self.stated))

    def with_upper_bounds(self, bounds: dict[str, float]) -> "Model":
        """The same model with other upper bounds of some parameters."""
        changed = self.bounds.copy()
        for name, bound in bounds.items():
            changed[self.names.index(name), 1] = bound
        return replace(self, bounds=changed)

    def expected_auxiliary(self, parameters: np.ndarray) -> np.ndarray:
        """Expected auxiliary measurements, shape (naux,)."""
        return self.constraints.factor * parameters[self.constraints.parameter]

    def constrained_widths(self) -> np.ndarray:
        """Width of each parameter's constraint, shape (npar,); nan where there is none or the parameter is fixed."""
        widths = np.full(len(self.names), np.nan)
        widths[self.constraints.parameter] = self.constraints.sigma
        widths[self.fixed] = np.nan
        return widths


def digest(model: Model) -> str:
    """SHA-256 of all that the fits depend on, the data and the bounds included; random numbers follow from it."""
    arrays, plain = _parts(model)
    del arrays["stated"]  # as far as it matters, it is in the bounds of the fits
    content = hashlib.sha256(json.dumps({"format": STREAMS} | plain).encode())
    for name, array in arrays.items():
        if not name.startswith("dropped."):
            content.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return content.hexdigest()


def to_bytes(model: Model) -> bytes:
    """The model as an .npz file; the same model gives the same bytes."""
    arrays, plain = _parts(model)
    file = io.BytesIO()
    plain = json.dumps({"format": FORMAT} | plain).encode()
    np.savez_compressed(file, plain=np.frombuffer(plain, dtype=np.uint8), **arrays)
    return file.getvalue()


def _parts(model: Model) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays by their names in a file, and what is not an array."""
    arrays, plain = {}, {}
    for field in fields(model):
        value = getattr(model, field.name)
        if field.name in PARTS:
            arrays |= {f"{field.name}.{name}": part for name, part in value._asdict().items()}
        elif isinstance(value, np.ndarray):
            arrays[field.name] = value
        else:
            plain[field.name] = value
    return arrays, plain


def from_file(path: str | Path) -> Model:
    """Read what `to_bytes` made.

    Raises:
        InputError: if it is not such a file.
    """
    try:
        with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            plain = json.loads(file["plain"].tobytes())
            if plain.pop("format") != FORMAT:
                raise InputError(f"{path}: a model of another version of muscan")
            arrays = {name: file[name] for name in file.files if "." not in name and name != "plain"}
            parts = {name: part(**{key: file[f"{name}.{key}"] for key in part._fields}) for name, part in PARTS.items()}
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a compiled model: {error}") from error
    return Model(**plain, **arrays, **parts)
