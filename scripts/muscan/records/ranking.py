"""ranking.json: impacts of nuisance parameters on mu_hat, and the shares of groups in its uncertainty."""

import csv
import io
from dataclasses import dataclass, field, fields
from typing import ClassVar

from muscan.records.record import Record

USABLE = ("ok", "no_covariance")  # statuses of a ranking that has impacts


@dataclass(frozen=True)
class Impact(Record):
    """The impact of one nuisance parameter: changes of mu_hat. `down` and `up` are the directions of the shift.

    The statuses are `ok`; `at_bound`: the best fit of the parameter, or mu_hat after a shift, is at a bound;
    `undetermined`: the likelihood is flat, so that there is no uncertainty; `lower_minimum`: a fit ended below the best
    fit; `fit_failed`: a fit did not converge. Numbers that could not be determined are None, also with these statuses,
    which are those of the worst number. If the best fit as a whole cannot be used, it is the status of the ranking.
    """

    KIND: ClassVar[str] = "the impact of a parameter in a ranking.json"

    name: str  # as in pyhf: `name`, or `name[i]` for the entries of a parameter with several
    status: str  # "ok", or the reason in one word
    reason: str | None  # why numbers are missing
    groups: list[str]  # names of the groups that the parameter belongs to
    value: float  # at the best fit
    pull: float | None  # (value - initial value) / prefit_uncertainty; None without constraint
    constraint: float | None  # postfit_uncertainty / prefit_uncertainty
    prefit_uncertainty: float | None  # width of the constraint; None without constraint
    postfit_uncertainty: float | None  # error as Minuit's HESSE defines it
    # The parameter is held at its best fit minus its pre-fit uncertainty, and all others are fitted.
    impact_prefit_down: float | None
    impact_prefit_up: float | None  # plus its pre-fit uncertainty
    impact_postfit_down: float | None  # minus its post-fit uncertainty
    impact_postfit_up: float | None  # plus its post-fit uncertainty
    impact_covariance: float | None  # covariance of mu and the parameter / standard deviation of the parameter
    # The auxiliary measurement of the parameter is shifted down by its standard deviation, and everything is fitted.
    impact_observable_down: float | None
    impact_observable_up: float | None  # shifted up
    stopped: list[str]  # impacts whose shift was stopped at a bound of the parameter, or at a count of zero
    # Whether the methods give the same within a tenth of the uncertainty of mu, as they do where the likelihood is
    # Gaussian; None if there are no two methods to be compared.
    methods_agree: bool | None

    @property
    def largest(self) -> float | None:
        """The larger one of the two post-fit impacts by size; None if both are unknown."""
        known = [abs(each) for each in (self.impact_postfit_down, self.impact_postfit_up) if each is not None]
        return max(known, default=None)


@dataclass(frozen=True)
class Share(Record):
    """The share of some parameters in the uncertainty of mu, in units of mu.

    `below`, `above` and `covariance` are what the total loses, in quadrature, when the parameters are held at their
    best fit. `observables` is the sum in quadrature of the changes of mu_hat that follow from shifts of their auxiliary
    measurements by one standard deviation (arXiv:2307.04007). The statuses are those of `Impact`.
    """

    KIND: ClassVar[str] = "the share of a group in a ranking.json"

    name: str  # of the group
    # "group"; "rest": the constrained parameters in no group; "statistical": all constrained parameters are held (as
    # `observables`: the counts of all bins are shifted); "sum": all of these in quadrature; "total".
    kind: str
    parameters: list[str]  # names of the parameters of the group
    status: str  # "ok", or the reason in one word
    reason: str | None  # why numbers are missing
    below: float | None  # from the lower ends of profile likelihood intervals
    above: float | None  # from their upper ends
    covariance: float | None  # from the covariance
    observables: float | None  # from the auxiliary measurements
    # Median expected limit with the group switched off, held at its values in the fit with mu = 0, and for the total
    # with all parameters free; None if not asked for.
    limit: float | None = None
    limit_ratio: float | None = None  # of this limit to the one with all parameters free
    limit_reason: str | None = None  # why there is no limit


@dataclass(frozen=True)
class Ranking(Record):
    """ranking.json: impacts of nuisance parameters on mu_hat, and the shares of groups in its uncertainty.

    Unlike in the fits of limits, mu may be negative here.

    The statuses are `ok`; `at_bound`: mu_hat is at a bound; `at_edge`: the best fit is where a bin without observed
    events has no expected ones, which keeps mu_hat there; `undetermined`: the likelihood is flat in mu;
    `no_covariance`: it is flat in a direction of other parameters. Only with `ok` and `no_covariance` there are
    impacts.
    """

    KIND: ClassVar[str] = "a ranking.json"

    status: str  # "ok", or the reason in one word
    reason: str | None  # why there are no impacts, or not all
    poi: str  # name of the parameter of interest, mu
    blinded: bool  # whether the data are the Asimov data of mu = 1, because the analysis is blind
    mu_hat: float  # best fit of mu to these data, where mu may be negative
    mu_hat_error: float | None  # from the covariance
    mu_hat_minos: list[float | None]  # ends of the profile likelihood interval relative to mu_hat, None at a bound
    poi_bounds: list[float]  # lower and upper bound of mu in these fits
    # An `Impact` for each nuisance parameter that is not fixed, the largest first.
    parameters: list[dict]
    # A `Share` for each group and the other kinds, at the end the sum and the total; empty without impacts.
    shares: list[dict]
    show: int | None  # number of parameters in the picture; None: 20
    confidence_level: float | None = None  # of the limits in `shares`; None if not asked for
    warnings: list[str] = field(default_factory=list)  # about the groups, and about the fits
    engine: str = "newton"  # what fitted
    made_by: dict = field(default_factory=dict)  # versions, digests of the inputs, and options


def impact_table(impacts: list[Impact]) -> str:
    """Return the impacts as CSV: one row for each parameter, with the fields of `Impact`; empty cells for None."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [each.name for each in fields(Impact)]
    writer.writerow(names)
    for impact in impacts:
        writer.writerow([_cell(getattr(impact, name)) for name in names])
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list):
        return " ".join(value)
    return str(value).lower() if isinstance(value, bool) else value
