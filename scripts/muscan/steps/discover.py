"""The step that calculates the significance of an excess from asymptotic formulae."""

from muscan.base.files import made_by, record_failure, write_json
from muscan.inference.discovery import LEAST_P0, Excess, Significance, excess
from muscan.inference.signal_point import SignalFiles, load
from muscan.records.discovery import Discovery


def discover(output: str, files: SignalFiles) -> None:
    """Write discovery.json, or the reason why there is none."""
    with record_failure(output):
        engine, prepared, result = load(files)
        record = discovery_record(excess(engine, prepared, result.blinded))
        record = record.without_observed() if result.blinded else record
        write_json(output, record.to_json() | {"made_by": made_by([files.model, files.fit])})


def discovery_record(found: Excess) -> Discovery:
    """Return the content of discovery.json for a significance from asymptotic formulae."""
    observed, expected = found.observed, found.expected
    return Discovery(
        calculator="asymptotics",
        status=dict.fromkeys(("observed", "expected"), "ok"),
        reason=dict.fromkeys(("observed", "expected")),
        blinded=False,
        mu_hat=found.mu_hat,
        no_excess=found.no_excess,
        q0_obs=observed.q0,
        p0_obs=observed.p0,
        Z_obs=observed.Z,
        q0_exp=[each.q0 for each in expected],
        p0_exp=[each.p0 for each in expected],
        Z_exp=[each.Z for each in expected],
        p0_obs_bound=_bound(observed),
        p0_exp_bound=[_bound(each) for each in expected],
    )


def _bound(found: Significance) -> float | None:
    """The upper bound of p0 where it is too small to be stored."""
    return LEAST_P0 if found.p0 is None else None
