"""The step that calculates the significance of an excess from asymptotic formulae."""

from muscan.base.errors import FitError
from muscan.base.files import made_by, record_failure, write_json
from muscan.inference.discovery import LEAST_P0, Excess, NoSignificance, Significance, excess
from muscan.inference.signal_point import SignalFiles, load
from muscan.records.columns import FIVE_NONE
from muscan.records.discovery import Discovery


def discover(output: str, files: SignalFiles) -> None:
    """Write discovery.json, or the reason why there is none."""
    with record_failure(output):
        engine, prepared, result = load(files)
        record = discovery_record(excess(engine, prepared, result.blinded))
        record = record.without_observed() if result.blinded else record
        write_json(output, record.to_json() | {"made_by": made_by([files.model, files.fit])})


def discovery_record(found: Excess) -> Discovery:
    """Return the content of discovery.json for a significance from asymptotic formulae.

    Raises:
        FitError: if the fits of the observed and of the expected significance have failed.
    """
    both = {"observed": found.observed, "expected": found.expected}
    missing = {name: each for name, each in both.items() if isinstance(each, NoSignificance)}
    if len(missing) == len(both) and all(each.status == "fit_failed" for each in missing.values()):
        raise FitError("; ".join(dict.fromkeys(each.reason for each in missing.values())))
    observed = None if "observed" in missing else found.observed
    expected = FIVE_NONE if "expected" in missing else found.expected
    record = Discovery(
        calculator="asymptotics",
        status=dict.fromkeys(both, "ok") | {name: each.status for name, each in missing.items()},
        reason=dict.fromkeys(both) | {name: each.reason for name, each in missing.items()},
        blinded=False,
        mu_hat=found.mu_hat,
        no_excess=observed and observed.q0 == 0,
        q0_obs=observed and observed.q0,
        p0_obs=observed and observed.p0,
        Z_obs=observed and observed.Z,
        q0_exp=[each and each.q0 for each in expected],
        p0_exp=[each and each.p0 for each in expected],
        Z_exp=[each and each.Z for each in expected],
        p0_obs_bound=_bound(observed),
        p0_exp_bound=[_bound(each) for each in expected],
    )
    return record if found.at_bound is None or observed is None else record.at_bound(found.at_bound)


def _bound(found: Significance | None) -> float | None:
    """The upper bound of p0 where it is too small to be stored."""
    return LEAST_P0 if found is not None and found.p0 is None else None
