"""Random workspaces: limits that pyhf confirms, or a reason; never another error, and never without end.

`make study-fuzz` runs twenty times as many.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyhf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.judge import at_most, complaints, limits_of, strict
from helpers.random_workspaces import EXTREME, SENSIBLE, any_workspace, changed_workspace
from helpers.workspaces import SMALL, referee
from muscan.base.errors import InputError
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.json_form import KEYS
from muscan.histfactory.parameters import TYPES
from muscan.histfactory.workspace import VERSION

STUDY = bool(os.environ.get("MUSCAN_STUDY"))
LONGEST = 60.0  # seconds for all fits of one workspace, on a busy machine; most need less than one
TEST_STATISTICS = st.sampled_from(["qtilde", "q"])


def examples(number: int) -> settings:
    """So many examples, always the same; in the study more, and others each time."""
    return settings(
        max_examples=number * (20 if STUDY else 1),
        deadline=None,
        database=None,
        derandomize=not STUDY,
        suppress_health_check=list(HealthCheck),
    )


def run(folder: Path, spec, *options: str, which=(0, 3)) -> list[str]:
    """Whatever is wrong with what the steps make of a workspace that pyhf takes."""
    with at_most(LONGEST):
        # The check of asymptotic limits by toys has tests of its own; here it would take most of the time.
        results = limits_of(fresh(folder), spec, "--check-asymptotics", "false", *options)
    for path in results.folder.rglob("*.json"):
        strict(path)
    found = [] if results.fit.get("status") == "failed" else complaints(results, spec, which)
    shutil.rmtree(results.folder.parent)
    return found


def fresh(folder: Path) -> Path:
    """A folder that did not exist before."""
    fresh.number = getattr(fresh, "number", 0) + 1
    return folder / str(fresh.number)


def refused_by_pyhf(spec) -> str | None:
    """Why pyhf takes a workspace for invalid."""
    try:
        model, data = referee(json.loads(json.dumps(spec)))
        with np.errstate(all="ignore"):
            model.logpdf(model.config.suggested_init(), data)
    except Exception as error:  # whatever goes wrong there
        return f"{type(error).__name__}: {error}"
    return None if model.config.poi_index is not None else "no parameter of interest"


@examples(1500)
@given(changed_workspace(list(SMALL.values())))
def test_what_pyhf_refuses_is_refused(spec):
    try:
        compile_workspace(spec)
    except InputError as error:
        assert len(str(error)) < 500  # noqa: PT017
        return
    assert refused_by_pyhf(spec) is None


@examples(150)
@given(changed_workspace(list(SMALL.values()), most=3), TEST_STATISTICS)
def test_a_changed_workspace_gives_limits_or_a_reason(tmp_path_factory, spec, test_statistic):
    folder = tmp_path_factory.mktemp("fuzz")
    assert run(folder, spec, "--test-statistic", test_statistic, which=(0,)) == []


@examples(10)
@given(any_workspace(SENSIBLE), TEST_STATISTICS)
def test_limits_of_sensible_models(tmp_path_factory, spec, test_statistic):
    assert run(tmp_path_factory.mktemp("fuzz"), spec, "--test-statistic", test_statistic) == []


@examples(4)
@given(any_workspace(st.one_of(SENSIBLE, EXTREME)), TEST_STATISTICS)
def test_limits_of_extreme_models(tmp_path_factory, spec, test_statistic):
    assert run(tmp_path_factory.mktemp("fuzz"), spec, "--test-statistic", test_statistic, which=(0,)) == []


# --- What pyhf refuses, one by one


def changed(path: tuple, value) -> dict:
    """The workspace with every modifier, with another value at a place; a function changes what is there."""
    spec = json.loads(json.dumps(SMALL["every modifier"]))
    owner = spec
    for part in path[:-1]:
        owner = owner[part]
    owner[path[-1]] = value(owner[path[-1]]) if callable(value) else value
    return spec


SAMPLE = ("channels", 0, "samples", 1)
CONFIG = ("measurements", 0, "config")


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (changed(("version",), "2.0.0"), "workspace: unknown version '2.0.0'; only 1.0.0 can be read"),
        (SMALL["normsys"] | {"observation": []}, "workspace: unknown key 'observation'"),
        ({key: SMALL["normsys"][key] for key in ("channels", "observations", "measurements")}, "'version' is missing"),
        (changed(("channels", 0), lambda it: it | {"sample": []}), "channel 'region': unknown key 'sample'"),
        (
            changed(SAMPLE, lambda it: {"modifier": [], **{k: it[k] for k in ("name", "data")}}),
            "channel 'region', sample 'top': unknown key 'modifier'; did you mean 'modifiers'?",
        ),
        (
            changed((*SAMPLE, "modifiers", 1), lambda it: it | {"dat": None}),
            "channel 'region', sample 'top', normsys 'top_scale': unknown key 'dat'",
        ),
        (
            changed((*SAMPLE, "modifiers", 1, "type"), "normsis"),
            "normsis 'top_scale': unknown type of modifier; there are histosys, lumi, normfactor, normsys, "
            "shapefactor, shapesys, staterror; did you mean 'normsys'?",
        ),
        (
            changed((*SAMPLE, "modifiers", 1, "data"), {"hi": 1.1, "lo": 0.9, "high": 2}),
            "normsys 'top_scale': unknown key 'high'",
        ),
        (
            changed((*SAMPLE, "modifiers", 2, "data"), lambda it: {"hi_dta": it["hi_data"], "lo_data": it["lo_data"]}),
            "histosys 'jets': unknown key 'hi_dta'; did you mean 'hi_data'?",
        ),
        (
            changed((*SAMPLE, "modifiers", 3, "data"), 1.0),
            "channel 'region', sample 'top', normfactor 'top_norm': 'data' must be null, found 1.0",
        ),
        (
            changed((*SAMPLE, "modifiers", 3), lambda it: {"name": it["name"], "type": it["type"]}),
            "normfactor 'top_norm': 'data' is missing",
        ),
        (
            changed((*SAMPLE, "modifiers", 0, "name"), "luminosity"),
            "channel 'region', sample 'top', lumi 'luminosity': the name of a lumi modifier must be 'lumi'",
        ),
        (
            changed(("observations", 0), lambda it: it | {"Data": []}),
            "observation 'region': unknown key 'Data'",
        ),
        (changed(("observations", 1, "name"), "region"), "two observations have the name 'region'"),
        (changed(("measurements", 0, "name"), None), "measurements[0]: 'name' must be a string, found null"),
        (changed(("measurements", 0), lambda it: it | {"POI": "mu"}), "measurements[0]: unknown key 'POI'"),
        (
            changed(CONFIG, lambda it: it | {"pois": ["mu"]}),
            "measurements[0].config: unknown key 'pois'",
        ),
        (changed(CONFIG, {"poi": "mu"}), "measurements[0].config: 'parameters' is missing"),
        (
            changed((*CONFIG, "parameters", 0), lambda it: it | {"bound": [[0, 1]]}),
            "the measurement's parameter 'lumi': unknown key 'bound'",
        ),
    ],
)
def test_refusals_name_the_place(spec, reason):
    assert refused_by_pyhf(spec) is not None or reason.startswith("two observations")
    with pytest.raises(InputError) as error:
        compile_workspace(spec)
    assert reason in str(error.value)


def test_pyhf_knows_the_same_keys():
    """The lists of keys are those of pyhf's schema."""
    definitions = pyhf.schema.load_schema("1.0.0/defs.json")["definitions"]
    known = {name: set(definitions[name]["properties"]) for name in ("workspace", "observation", "channel", "sample")}
    known |= {name: set(definitions[name]["properties"]) for name in ("measurement", "config", "parameter")}
    modifiers = definitions["modifier"]
    for name in ("normsys", "histosys"):
        known[name] = set(modifiers[name]["properties"]["data"]["properties"])
    known["modifier"] = set(modifiers["normsys"]["properties"])
    assert known == KEYS
    assert set(modifiers) == set(TYPES)
    assert definitions["workspace"]["properties"]["version"]["const"] == VERSION
