"""Time the ranking of nuisance parameters against cabinetry in one process on one core.

Everything counts that the step `rank` calculates from the fits of a signal: the best fit with mu of both signs, all
three methods, and the shares of two groups. Cabinetry makes the pre-fit and post-fit shifts alone. It fits a few
parameters of sbottom-A, from our best fit, because from the initial values its fits fail; the time is scaled to all.
Reads the published likelihoods from MUSCAN_DATA. `make bench` calls it.
"""

import contextlib
import io
import statistics
import time

import cabinetry
import numpy as np
import pyhf
from cabinetry.fit.results_containers import FitResults
from cases import CASES, Case, need, published

from helpers.workspaces import engine_of
from muscan.inference.groups import all_groups, find_members, shares
from muscan.inference.hypotest import prepare
from muscan.inference.ranking import impact_records, impacts
from muscan.inference.ranking_basis import Basis, basis
from muscan.records.ranking import Impact

GROUPS = {"statistical_errors": ["staterror*"], "jets": ["JE*"]}
# Parameters that cabinetry fits, with two or four fits each.
FITTED = ("ttbar_ISR_Down", "mu_ttbar", "JET_GroupedNP_2", "staterror_SR_meff[2]", "lumi")
REPEATS = 5


def ranked(case: Case) -> tuple[Basis, list[Impact], float]:
    """The best fit, the impacts, and the median of the CPU seconds."""
    engine = engine_of(case.workspace, poi_bound=case.poi_bound)
    prepared = prepare(engine, "qtilde")
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        at = basis(engine, prepared, blinded=False)
        members, _ = find_members(at, GROUPS)
        found = impacts(at)
        records = impact_records(at, found, members)
        shares(at, found, all_groups(at, members))
        seconds.append(time.process_time() - start)
    return at, records, statistics.median(seconds)


def seconds_of_cabinetry(case: Case, at: Basis) -> tuple[float, int]:
    """CPU seconds of cabinetry for the chosen parameters, and the number of its fits."""
    workspace = pyhf.Workspace(case.workspace)
    model = workspace.model()
    chosen = np.isin(model.config.par_names, FITTED)
    width = cabinetry.model_utils.prefit_uncertainties(model)
    cabinetry.model_utils.prefit_uncertainties = lambda _: np.where(chosen, width, 0.0)  # no fits for the others
    best, errors = at.profile.best.parameters, np.where(chosen, at.errors, 0.0)
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        cabinetry.fit.ranking(
            model,
            workspace.data(model),
            fit_results=FitResults(best, errors, model.config.par_names, np.eye(len(best)), 0.0),
            init_pars=best.tolist(),
            par_bounds=[tuple(each) for each in at.profile.engine.model.bounds.tolist()],
        )
    return time.process_time() - start, 2 * int(np.count_nonzero(chosen & (width > 0)) + chosen.sum())


def main() -> None:
    need("sbottom-A", "1Lbb")
    case = CASES["sbottom-A"]()
    at, records, ours = ranked(case)
    taken, number = seconds_of_cabinetry(case, at)
    fits = 2 * sum(1 + (each.prefit_uncertainty is not None) for each in records)
    theirs = taken / number * fits
    print(
        f"ranking of sbottom-A, {len(records)} parameters: {ours:.2f} s, cabinetry {theirs:.0f} s for its {fits} fits "
        f"({number} fits in {taken:.1f} s, scaled), {theirs / ours:.0f}x"
    )
    _, records, ours = ranked(published("1Lbb", "patchset.json.gz", "C1N2_Wh_hbb_900_300"))
    print(f"ranking of 1Lbb 900_300, {len(records)} parameters: {ours:.2f} s")


if __name__ == "__main__":
    main()
