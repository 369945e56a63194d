"""fit.json: the fits that do not depend on the tested mu, and what follows from them."""

from dataclasses import dataclass, field
from typing import ClassVar

from muscan.records.record import Record


@dataclass(frozen=True)
class Parameters(Record):
    """The parameters at the best fit to the data. All lists have one entry per parameter, shape (npar,)."""

    KIND: ClassVar[str] = "the parameters of a fit.json"

    names: list[str]  # as in pyhf: `name`, or `name[i]` for the entries of a parameter with several
    values: list[float]  # at the best fit
    # Errors as Minuit's HESSE defines them: zero for fixed parameters, None where the likelihood is flat.
    errors: list[float | None]
    # Correlation matrix, shape (npar, npar): zero for fixed parameters, None where the likelihood is flat.
    correlations: list[list[float | None]]
    initial: list[float]  # values before the fit
    constraint_widths: list[float | None]  # standard deviation of the constraint; None if unconstrained or fixed
    fixed: list[bool]  # whether the parameter is held constant in all fits
    at_bound: list[bool]  # whether the best fit is at a bound of the parameter


@dataclass(frozen=True)
class ChannelYields(Record):
    """Numbers of events of one channel. Lists have one entry per bin, shape (nbins,)."""

    KIND: ClassVar[str] = "the yields of a fit.json"

    channel: str  # name of the channel
    observed: list[float] | None  # observed events; None in a blind analysis
    # Expected events by sample: {sample: {"prefit", "prefit_error", "postfit", "postfit_error"}}, a list for each.
    # `postfit_error` holds None where the fit has no covariance.
    samples: dict[str, dict[str, list[float]]]
    total: dict[str, list[float]]  # expected events of the sum of all samples, with the keys of a sample


@dataclass(frozen=True)
class FitResult(Record):
    """fit.json: the fits that do not depend on the tested mu, and what follows from them."""

    KIND: ClassVar[str] = "a fit.json"

    poi: str  # name of the parameter of interest, mu
    poi_bounds: list[float]  # lower and upper bound of mu in every fit of this signal, shape (2,)
    mu_hat: float | None  # best-fit value of mu; None in a blind analysis
    mu_hat_error: float | None  # error of mu_hat as HESSE defines it; None where the likelihood is flat
    # Ends of the MINOS interval relative to mu_hat: [negative, positive]; None where it ends at a bound.
    mu_hat_minos: list[float | None]
    deviance: float  # -2 log [L / L(saturated model)] at the best fit
    parameters: dict  # the parameters at the best fit: a `Parameters`
    # The fit with mu held at the value of the Asimov data (0 for limits, 1 for q0): {"mu", "values", "deviance"}, with
    # values of all parameters, shape (npar,).
    reference: dict
    asimov: list[float]  # Asimov data: expected events of all bins, then auxiliary data, shape (nmain + naux,)
    # Goodness of fit against the saturated model: {"statistic", "ndof", "p_value"}; all None in a blind analysis.
    goodness_of_fit: dict
    yields: list[dict]  # events before and after the fit: a `ChannelYields` for each channel
    interpolation: dict  # interpolation codes of pyhf by type of modifier
    test_statistic: str  # "qtilde", "q" or "q0": the one for which the fits were made
    # Who made the fits: {"engine", "free", "reference", "repeated"}. `free` and `reference` name the minimiser that
    # found the minimum; `repeated` tells whether the free fit had to be repeated because the reference was lower.
    fitted_by: dict
    mu: list[float] | None = None  # values of mu to be tested; None if the configuration states them
    # Findings about the model and the histograms, see `diagnosis.findings.Finding`: {"weight", "kind", "where",
    # "message", "advice"} for each.
    warnings: list[dict] = field(default_factory=list)
    factor_bounds: dict = field(default_factory=dict)  # {name: upper bound} of free factors where pyhf's is too low
    # Bounds at which the fits ended: {"free": {name: bound}, "reference": {name: bound}}.
    at_bounds: dict = field(default_factory=dict)
    stated_bounds: list[str] = field(default_factory=list)  # free parameters whose bounds the workspace states
    # Whether the analysis is blind: the fits are to the expected background, and no number is observed.
    blinded: bool = False
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options
