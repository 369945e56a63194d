"""fit.json: everything that does not depend on the tested mu."""

from dataclasses import dataclass, field
from typing import ClassVar

from muscan.records.record import Record


@dataclass(frozen=True)
class Parameters(Record):
    """The free best fit, one entry per parameter."""

    names: list[str]  # in the order of pyhf
    values: list[float]  # at the minimum
    errors: list[float | None]  # HESSE; zero for fixed parameters, None where the likelihood is flat
    correlations: list[list[float | None]]  # from the same curvature; None where an error is
    initial: list[float]  # values at which the fits begin
    constraint_widths: list[float | None]  # None: unconstrained or fixed
    fixed: list[bool]  # held at its initial value
    at_bound: list[bool]  # whether the fit ended on a bound


@dataclass(frozen=True)
class ChannelYields(Record):
    """Events of one channel; `samples` maps a sample to prefit, prefit_error, postfit, postfit_error, per bin.

    postfit_error is None where the fit has no covariance.
    """

    channel: str  # its name
    observed: list[float] | None  # None in a blind analysis
    samples: dict[str, dict[str, list[float]]]  # expected events of each sample
    total: dict[str, list[float]]  # the same for their sum


@dataclass(frozen=True)
class FitResult(Record):
    """fit.json: everything that does not depend on the tested mu."""

    FILE: ClassVar[str] = "fit"

    poi: str  # name of the parameter of interest
    poi_bounds: list[float]  # in every fit of this signal
    mu_hat: float | None  # the signal strength at the best fit; None in a blind analysis
    mu_hat_error: float | None  # HESSE; None where the likelihood is flat
    mu_hat_minos: list[float | None]  # offsets, negative one first; None where a bound is met
    deviance: float  # -2 log [L / L(saturated)] at the best fit
    parameters: dict  # Parameters
    reference: dict  # the fit with mu held at the value of the Asimov data: {"mu", "values", "deviance"}
    asimov: list[float]  # main then auxiliary data
    goodness_of_fit: dict  # {"statistic", "ndof", "p_value"}
    yields: list[dict]  # ChannelYields
    interpolation: dict  # codes of normsys and histosys
    test_statistic: str  # "qtilde" or "q"
    fitted_by: dict  # {"engine": ..., "free": who found the minimum, "reference": ..., "repeated": the free fit}
    mu: list[float] | None = None  # values to be tested, where they follow from the limits
    warnings: list[dict] = field(default_factory=list)  # what is odd about the model: inference.findings.Finding
    factor_bounds: dict = field(default_factory=dict)  # {name: upper bound} of free factors whose default was too low
    at_bounds: dict = field(default_factory=dict)  # {"free" and "reference": {name: the bound that this fit met}}
    stated_bounds: list[str] = field(default_factory=list)  # free parameters whose bounds the workspace states
    blinded: bool = False  # the fits are to the expectation of the background: no number of them is observed
    made_by: dict = field(default_factory=dict)  # versions, options, digests of the inputs
