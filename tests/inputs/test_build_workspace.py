"""Workspaces from histograms and models, against workspaces written by hand."""

import json

import numpy as np
import pyhf
import pytest

import build_workspace
from helpers.configurations import complete_model
from helpers.steps import run_step
from muscan.base.errors import InputError
from muscan.histfactory.compile import compile_workspace
from muscan.inputs import build_workspace as build_workspace_library
from muscan.inputs.histograms import Histograms, read_histograms

MU = {"name": "mu", "type": "normfactor"}
SIGNAL, BACKGROUND = [2.0, 3.0], [50.0, 36.0]
COLUMNS = {"signal": SIGNAL, "background": BACKGROUND, "up": [53.0, 40.0], "down": [48.0, 30.0], "error": [3.0, 2.5]}
LUMI = {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "inits": [1.0], "bounds": [[0.5, 1.5]]}


def of(**channels: dict) -> Histograms:
    columns = {
        channel: {name: np.array(values, dtype=float) for name, values in each.items()}
        for channel, each in channels.items()
    }
    return Histograms({name: np.arange(len(each["observed"]) + 1.0) for name, each in columns.items()}, columns)


ONE = of(SR=COLUMNS | {"observed": [55, 38]})
TWO = of(SR=COLUMNS | {"observed": [55, 38]}, CR={"background": [400.0], "error": [11.0], "observed": [410]})


def build(histograms: Histograms, spec: dict) -> dict:
    return build_workspace_library.build(histograms, complete_model(spec))


def model(*modifiers: dict, **more) -> dict:
    return {"samples": {"signal": [MU], "background": list(modifiers)}, **more}


def by_hand(*modifiers: dict, parameters: tuple = ()) -> dict:
    return {
        "version": "1.0.0",
        "channels": [
            {
                "name": "SR",
                "samples": [
                    {"name": "signal", "data": SIGNAL, "modifiers": [MU | {"data": None}]},
                    {"name": "background", "data": BACKGROUND, "modifiers": list(modifiers)},
                ],
            }
        ],
        "observations": [{"name": "SR", "data": [55.0, 38.0]}],
        "measurements": [{"name": "measurement", "config": {"poi": "mu", "parameters": list(parameters)}}],
    }


CASES = {
    "normfactor": ({}, None),
    "shapefactor": ({}, None),
    "lumi": ({}, None),
    "normsys": ({"up": 1.1, "down": 0.93}, {"hi": 1.1, "lo": 0.93}),
    "histosys": ({"up": "up", "down": "down"}, {"hi_data": [53.0, 40.0], "lo_data": [48.0, 30.0]}),
    "shapesys": ({"uncertainty": {"column": "error"}}, [3.0, 2.5]),
    "staterror": ({"uncertainty": 0.1}, [5.0, 3.6]),
}


def test_every_modifier_type_is_tested():
    assert set(CASES) == set(build_workspace_library.MODIFIERS)


@pytest.mark.parametrize("kind", CASES)
def test_every_modifier_type_equals_a_model_of_pyhf(kind):
    fields, data = CASES[kind]
    name, parameters = (kind, [LUMI]) if kind == "lumi" else ("theta", [])
    ours = pyhf.Workspace(build(ONE, model({"name": name, "type": kind, **fields}, parameters=parameters)))
    theirs = pyhf.Workspace(by_hand({"name": name, "type": kind, "data": data}, parameters=parameters))
    assert ours.model().config.par_names == theirs.model().config.par_names
    assert ours.data(ours.model()) == theirs.data(theirs.model())
    low, high = np.array(theirs.model().config.suggested_bounds()).T
    rng = np.random.default_rng(5)
    for _ in range(10):
        parameters = np.clip(rng.normal(1, 0.3, len(low)), low, high)
        np.testing.assert_allclose(ours.model().expected_data(parameters), theirs.model().expected_data(parameters))
        np.testing.assert_allclose(
            ours.model().logpdf(parameters, ours.data(ours.model())),
            theirs.model().logpdf(parameters, theirs.data(theirs.model())),
        )


@pytest.mark.parametrize(
    ("form", "absolute"),
    [
        ("sqrt", [50.0**0.5, 6.0]),
        (0.1, [5.0, 3.6]),
        (1, BACKGROUND),
        (0, [0.0, 0.0]),
        ([3, 2.5], [3.0, 2.5]),
        ({"column": "error"}, [3.0, 2.5]),
    ],
)
@pytest.mark.parametrize("kind", ["shapesys", "staterror"])
def test_forms_of_an_uncertainty(kind, form, absolute):
    built = build(ONE, model({"name": "theta", "type": kind, "uncertainty": form}))
    assert built["channels"][0]["samples"][1]["modifiers"][0]["data"] == pytest.approx(absolute)


def test_a_relative_uncertainty_is_a_size_where_yields_are_negative():
    histograms = of(SR={"signal": [1.0, 1.0], "background": [50.0, -4.0], "observed": [50, 5]})
    built = build(histograms, model({"name": "theta", "type": "staterror", "uncertainty": 0.5}))
    assert built["channels"][0]["samples"][1]["modifiers"][0]["data"] == [25.0, 2.0]


@pytest.mark.parametrize("kind", CASES)
def test_raw_data_go_through(kind):
    raw = {"name": "theta", "type": kind, "data": CASES[kind][1]}
    assert build(ONE, model(raw))["channels"][0]["samples"][1]["modifiers"] == [raw]


def test_channels_without_a_sample_and_modifiers_of_some_channels():
    built = build(
        TWO,
        model(
            {"name": "everywhere", "type": "normsys", "up": 1.2, "down": 0.8},
            {"name": "stat_SR", "type": "shapesys", "uncertainty": {"column": "error"}, "channels": ["SR"]},
            {"name": "stat_CR", "type": "shapesys", "uncertainty": {"column": "error"}, "channels": ["CR"]},
        ),
    )
    found = {
        channel["name"]: {
            sample["name"]: [each["name"] for each in sample["modifiers"]] for sample in channel["samples"]
        }
        for channel in built["channels"]
    }
    assert found == {
        "SR": {"signal": ["mu"], "background": ["everywhere", "stat_SR"]},
        "CR": {"background": ["everywhere", "stat_CR"]},
    }
    expected = pyhf.Workspace(built).model()
    parameters = expected.config.suggested_init()
    parameters[expected.config.par_map["stat_SR"]["slice"].start + 1] = 2.0
    by_channel = {
        name: expected.main_model.expected_data(parameters)[s] for name, s in expected.config.channel_slices.items()
    }
    np.testing.assert_allclose(by_channel["SR"], [52, 3 + 72])
    np.testing.assert_allclose(by_channel["CR"], [400])


def test_staterror_of_two_samples_is_that_of_their_sum():
    spec = {
        "samples": {
            "signal": [MU, {"name": "stat", "type": "staterror", "uncertainty": [1.0, 2.0]}],
            "background": [{"name": "stat", "type": "staterror", "uncertainty": {"column": "error"}}],
        }
    }
    widths = compile_workspace(build(ONE, spec)).constrained_widths()
    total = np.array(SIGNAL) + BACKGROUND
    np.testing.assert_allclose(widths[1:], np.sqrt([1 + 9.0, 4 + 6.25]) / total)


def test_poi_and_parameters_go_into_the_measurement():
    spec = model({"name": "k", "type": "normfactor"}, poi="k", parameters=[{"name": "k", "bounds": [[0, 5]]}])
    built = build(ONE, spec)
    config = {"poi": "k", "parameters": [{"name": "k", "bounds": [[0, 5]]}]}
    assert built["measurements"] == [{"name": "measurement", "config": config}]
    assert compile_workspace(built).poi_name == "k"


def test_other_columns_are_left_alone():
    assert [sample["name"] for sample in build(ONE, model())["channels"][0]["samples"]] == ["signal", "background"]


# --- The default question


@pytest.mark.parametrize("name", ["locked", "floating", "floating-mcstat"])
def test_default_models_equal_specifications_written_by_hand(name, default_config, seed_question):
    lines = (seed_question / "original.csv").read_text().splitlines()[1:]
    signal, background, observed = np.array([line.split(",")[2:] for line in lines], dtype=float).T
    on_signal = [{"name": "mu", "type": "normfactor", "data": None}]
    on_background = [{"name": "background_stat", "type": "shapesys", "data": np.sqrt(background).tolist()}]
    if name != "locked":
        on_background.append({"name": "bkgnorm", "type": "normfactor", "data": None})
    if name == "floating-mcstat":
        on_signal.append({"name": "signal_stat", "type": "staterror", "data": np.sqrt(signal).tolist()})
    built = build(read_histograms(seed_question / "original.csv"), default_config["models"][name])
    assert built == {
        "version": "1.0.0",
        "channels": [
            {
                "name": "channel",
                "samples": [
                    {"name": "signal", "data": signal.tolist(), "modifiers": on_signal},
                    {"name": "background", "data": background.tolist(), "modifiers": on_background},
                ],
            }
        ],
        "observations": [{"name": "channel", "data": observed.tolist()}],
        "measurements": [{"name": "measurement", "config": {"poi": "mu", "parameters": []}}],
    }
    assert pyhf.Workspace(built).model().config.poi_name == "mu"


# --- Models that do not fit

PLACE = "channel 'SR', sample 'background', shapesys 'theta': "


def shapesys(uncertainty, **more) -> dict:
    return {"name": "theta", "type": "shapesys", "uncertainty": uncertainty, **more}


@pytest.mark.parametrize(
    ("histograms", "spec", "message"),
    [
        (
            ONE,
            {"samples": {"signal": [MU], "backgruond": []}},
            "the histograms have no column 'backgruond', only signal, background, up, down, error, observed; "
            "did you mean 'background'?",
        ),
        (
            ONE,
            model(shapesys({"column": "eror"})),
            PLACE + "the histograms have no column 'eror', only signal, background, up, down, error, observed; "
            "did you mean 'error'?",
        ),
        (
            TWO,
            model({"name": "theta", "type": "histosys", "up": "up", "down": "down"}),
            "channel 'CR', sample 'background', histosys 'theta': "
            "the histograms have no column 'up', only background, error, observed",
        ),
        (
            TWO,
            model(shapesys("sqrt", channels=["CRR"])),
            "sample 'background', shapesys 'theta': there is no channel 'CRR', only SR, CR; did you mean 'CR'?",
        ),
        (
            TWO,
            model(shapesys("sqrt")),
            "sample 'background', shapesys 'theta': its bins are independent, but it acts on several channels, SR, CR: "
            "define one for each channel, with different names and with `channels`",
        ),
        (
            TWO,
            {"samples": {"signal": [MU]}},
            "channel 'CR' has none of the samples of the model",
        ),
        (ONE, model(shapesys([1.0])), PLACE + "1 uncertainties for 2 bins"),
        (ONE, model(shapesys([1.0, 2.0, 3.0])), PLACE + "3 uncertainties for 2 bins"),
        (ONE, model(shapesys([1.0, -2.0])), PLACE + "the uncertainty of bin 2, with 36 events, is -2"),
        (ONE, model(shapesys([np.nan, 2.0])), PLACE + "the uncertainty of bin 1, with 50 events, is nan"),
        (
            of(SR={"signal": [1.0, 1.0], "background": [5.0, -4.0], "observed": [5, 5]}),
            model(shapesys("sqrt")),
            PLACE
            + "the uncertainty of bin 2, with -4 events, is nan, the square root of a negative number; define it by a "
            "column or a list",
        ),
        (
            of(SR={"signal": [1.0], "background": [5.0], "error": [-1.0], "observed": [5]}),
            model(shapesys({"column": "error"})),
            PLACE + "the uncertainty of bin 1, with 5 events, is -1",
        ),
    ],
)
def test_messages_name_the_place(histograms, spec, message):
    with pytest.raises(InputError) as error:
        build(histograms, spec)
    assert str(error.value) == message


def test_script_records_a_failure(tmp_path, seed_question):
    output = tmp_path / "workspace.json"
    arguments = ["--histograms", str(seed_question / "original.csv"), "--output", str(output), "--model"]
    run_step(build_workspace, [*arguments, json.dumps({"samples": {"sgnal": [MU]}})])
    record = json.loads(output.read_text())
    assert record["status"] == "failed"
    assert record["reason"].endswith("did you mean 'signal'?")
    run_step(build_workspace, [*arguments, json.dumps({"samples": {"signal": [MU]}})])
    assert pyhf.Workspace(json.loads(output.read_text())).model().config.nmaindata == 20
