"""Search a model for problems that would harm its limits, from its arrays and before anything is fitted."""

from muscan.diagnosis.bin_uncertainties import (
    find_dropped_uncertainties,
    find_fixed_gammas,
    find_truncated_uncertainties,
    find_wide_gammas,
)
from muscan.diagnosis.facts import ModelFacts
from muscan.diagnosis.findings import WEIGHTS, Finding
from muscan.diagnosis.parameters import (
    find_bounds_problems,
    find_flat_directions,
    find_idle_parameters,
    find_poi_problems,
    find_same_effects,
    find_several_minima,
)
from muscan.diagnosis.variations import find_variation_problems
from muscan.diagnosis.yields import find_bin_problems, find_template_problems
from muscan.histfactory.model import Model

# Kinds of findings that explain why a fit fails.
KINDS_THAT_HINDER_FITS = ("not-positive", "no-background")
# Findings of equal weight are reported in this order.
SEARCHES = (
    find_poi_problems,
    find_bin_problems,
    find_template_problems,
    find_dropped_uncertainties,
    find_truncated_uncertainties,
    find_variation_problems,
    find_wide_gammas,
    find_fixed_gammas,
    find_idle_parameters,
    find_flat_directions,
    find_same_effects,
    find_bounds_problems,
    find_several_minima,
)


def diagnose(model: Model) -> list[Finding]:
    """Return all problems of a model, sorted by weight, the worst first.

    An ERROR means that the likelihood is zero for all values of the parameters, or that the data can exclude no value
    of the POI. Nothing is fitted.
    """
    facts = ModelFacts(model)
    findings = [finding for search in SEARCHES for finding in search(facts)]
    return sorted(findings, key=lambda finding: WEIGHTS.index(finding.weight))
