"""A HistFactory model as plain arrays, and the file that holds it, which NumPy alone can read."""

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

# Codes of interpolation by modifier type, with pyhf's names; the first of each is the default.
INTERPOLATIONS = {"normsys": ("code4", "code1"), "histosys": ("code4p", "code0")}
FILE_FORMAT = 2  # version of the .npz file; files of other versions are not read
DIGEST_FORMAT = 1  # version of the digest; another number would give the toys of every model other random numbers


class Constraints(NamedTuple):
    """One entry per auxiliary measurement, whose expectation is `factor * parameter`.

    A Gaussian measurement has the width `sigma` (and factor 1); a Poisson one has `factor = tau`.

    Attributes:
        parameter: index of the constrained parameter, shape (naux,).
        is_poisson: shape (naux,).
        factor: shape (naux,).
        sigma: width of the parameter, 1 / sqrt(tau) for a Poisson measurement, shape (naux,).
    """

    parameter: np.ndarray
    is_poisson: np.ndarray
    factor: np.ndarray
    sigma: np.ndarray


class NormSys(NamedTuple):
    """One entry per (channel, sample, parameter): the template is scaled by `low` at alpha = -1 and `high` at +1."""

    channel: np.ndarray
    sample: np.ndarray
    parameter: np.ndarray
    low: np.ndarray
    high: np.ndarray


class HistoSys(NamedTuple):
    """One entry per (sample, bin, parameter): `down` events are added to the bin at alpha = -1, and `up` at +1."""

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


class DroppedUncertainties(NamedTuple):
    """One entry per (sample, bin, parameter): an uncertainty of a workspace that has no effect; `size` is in events.

    shapesys and staterror multiply yields, and HistFactory fixes their parameters in bins whose yield is not positive.
    """

    sample: np.ndarray
    bin: np.ndarray
    parameter: np.ndarray
    size: np.ndarray


TABLES = {
    "constraints": Constraints,
    "normsys": NormSys,
    "histosys": HistoSys,
    "factors": Factors,
    "bin_factors": BinFactors,
    "dropped": DroppedUncertainties,
}


@dataclass(frozen=True)
class Model:
    """The model of one measurement of a workspace.

    Attributes:
        names: parameter names, bins of a parameter as `name[0]`, in pyhf's order.
        initial: initial values of the parameters, shape (npar,).
        fixed: whether a parameter is held at its initial value in all fits, shape (npar,).
        bounds: lower and upper bounds, shape (npar, 2). Those of the POI are set for the scan by `with_poi_bounds`;
            the upper ones of some free factors do not hold, see `default_bounded`.
        stated: whether the workspace gives the bounds, shape (npar,); the others are pyhf's defaults.
        poi: index of the parameter of interest.
        channels: names; channel i has the bins `edges[i]` to `edges[i + 1]` of the main data.
        edges: shape (nchannels + 1,).
        samples: names, in the order of the rows of `nominal`.
        data: observed main data followed by the auxiliary data, shape (nmain + naux,).
        nominal: templates in events, shape (nsamples, nmain); zero where a channel lacks the sample.
        constraints: terms of the auxiliary measurements.
        normsys: modifiers of type normsys.
        histosys: modifiers of type histosys.
        factors: modifiers of types normfactor and lumi.
        bin_factors: modifiers of types shapefactor, shapesys and staterror.
        dropped: uncertainties that have no effect; the fits do not use them.
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
    dropped: DroppedUncertainties
    interpolation: dict[str, str]

    @property
    def poi_name(self) -> str:
        """Name of the parameter of interest."""
        return self.names[self.poi]

    @property
    def nmain(self) -> int:
        """Number of bins of the main data."""
        return self.nominal.shape[1]

    @property
    def bins(self) -> dict[str, slice]:
        """The bins of each channel in the main data."""
        return {name: slice(self.edges[i], self.edges[i + 1]) for i, name in enumerate(self.channels)}

    def with_poi_bounds(self, low: float, high: float) -> "Model":
        """Return the same model with other bounds of the POI."""
        bounds = self.bounds.copy()
        bounds[self.poi] = low, high
        return replace(self, bounds=bounds)

    @cached_property
    def default_bounded(self) -> np.ndarray:
        """Free factors whose upper bound is only pyhf's default, shape (npar,).

        No user has asked for such a bound, so no fit may end at it.
        """
        default_bounded = ~self.stated & ~self.fixed
        default_bounded[self.constraints.parameter] = False
        default_bounded[self.poi] = False
        return default_bounded

    @cached_property
    def known_bounds(self) -> np.ndarray:
        """The bounds that hold, shape (npar, 2): infinite upper ones for the factors in `default_bounded`."""
        bounds = self.bounds.copy()
        bounds[self.default_bounded, 1] = np.inf
        return bounds

    def without_default_bounds(self) -> "Model":
        """Return the same model without the upper bounds of the factors in `default_bounded`."""
        return replace(self, bounds=self.known_bounds, stated=np.ones_like(self.stated))

    def with_upper_bounds(self, bounds: dict[str, float]) -> "Model":
        """Return the same model with other upper bounds of some parameters, by their names."""
        changed = self.bounds.copy()
        for name, bound in bounds.items():
            changed[self.names.index(name), 1] = bound
        return replace(self, bounds=changed)

    def expected_auxiliary(self, parameters: np.ndarray) -> np.ndarray:
        """Return the expected auxiliary measurements, shape (naux,), at parameters of shape (npar,)."""
        return self.constraints.factor * parameters[self.constraints.parameter]

    def constrained_widths(self) -> np.ndarray:
        """Return the width of each parameter's constraint, shape (npar,).

        It is nan where the parameter has no constraint or is fixed.
        """
        widths = np.full(len(self.names), np.nan)
        widths[self.constraints.parameter] = self.constraints.sigma
        widths[self.fixed] = np.nan
        return widths


def model_digest(model: Model) -> str:
    """Return the SHA-256 of all that the fits depend on, the data and the bounds included.

    The random streams of toys are made from it. `stated` is left out: it matters only through the bounds of the fits.
    """
    arrays, plain = _parts(model)
    del arrays["stated"]
    content = hashlib.sha256(json.dumps({"format": DIGEST_FORMAT} | plain).encode())
    for name, array in arrays.items():
        if not name.startswith("dropped."):
            content.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    return content.hexdigest()


def to_npz(model: Model) -> bytes:
    """Return the content of an .npz file with the model; equal models give equal bytes."""
    arrays, plain = _parts(model)
    file = io.BytesIO()
    plain = json.dumps({"format": FILE_FORMAT} | plain).encode()
    np.savez_compressed(file, plain=np.frombuffer(plain, dtype=np.uint8), **arrays)
    return file.getvalue()


def _parts(model: Model) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays by their names in a file, and what is not an array."""
    arrays, plain = {}, {}
    for field in fields(model):
        value = getattr(model, field.name)
        if field.name in TABLES:
            arrays |= {f"{field.name}.{name}": column for name, column in value._asdict().items()}
        elif isinstance(value, np.ndarray):
            arrays[field.name] = value
        else:
            plain[field.name] = value
    return arrays, plain


def from_npz(path: str | Path) -> Model:
    """Read a model from a file with the content of `to_npz`.

    Raises:
        InputError: if the file cannot be read, or is no such file.
    """
    try:
        with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            plain = json.loads(file["plain"].tobytes())
            if plain.pop("format") != FILE_FORMAT:
                raise InputError(f"{path}: a model of another version of muscan")
            arrays = {name: file[name] for name in file.files if "." not in name and name != "plain"}
            tables = {
                name: table(**{key: file[f"{name}.{key}"] for key in table._fields}) for name, table in TABLES.items()
            }
    except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a compiled model: {error}") from error
    return Model(**plain, **arrays, **tables)
