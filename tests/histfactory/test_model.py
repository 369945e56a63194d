"""The model against pyhf: parameters, yields, constraints; and what it refuses."""

import copy
import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hypotest
from helpers.workspaces import EVERY_MODIFIER, MU, SMALL, counting, normsys, random_points, referee, workspace
from muscan.base.batches import batch_of
from muscan.base.errors import InputError
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.model import from_npz, to_npz
from muscan.inference.signal_point import bounded


@pytest.fixture(params=SMALL)
def spec(request) -> dict:
    return SMALL[request.param]


def test_parameters_are_those_of_pyhf(spec):
    model, (expected, data) = compile_workspace(spec), referee(spec)
    config = expected.config
    assert model.names == config.par_names
    assert model.poi_name == "mu"
    np.testing.assert_array_equal(model.initial, config.suggested_init())
    np.testing.assert_array_equal(model.bounds, config.suggested_bounds())
    np.testing.assert_array_equal(model.fixed, config.suggested_fixed())
    np.testing.assert_array_equal(model.data, data)
    assert model.nmain == config.nmaindata
    assert model.bins == config.channel_slices


@pytest.mark.parametrize("codes", [{}, {"normsys": "code1", "histosys": "code0"}])
def test_expected_data_are_those_of_pyhf(spec, codes):
    model, (expected, _) = compile_workspace(spec, codes), referee(spec, codes)
    points = random_points(model)
    ours = Likelihood(model).expected_by_sample(points.T)
    pyhfs = [expected.main_model.expected_data(point, return_by_sample=True) for point in points]
    np.testing.assert_allclose(ours, np.stack(pyhfs, axis=-1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(Likelihood(model).expected(points.T), ours.sum(axis=0), rtol=1e-12)
    for point in points:
        np.testing.assert_allclose(Likelihood(model).asimov(point), expected.expected_data(point), rtol=1e-12)


def test_expected_events_of_every_modifier_by_hand():
    """Away from the nominal values, where each factor or shift can be written down (|alpha| = 1 is in the template)."""
    model = compile_workspace(EVERY_MODIFIER)
    values = dict(zip(model.names, model.initial, strict=True))
    values |= {"mu": 2.0, "lumi": 1.03, "top_scale": 1.0, "jets": -1.0, "top_norm": 1.2}
    values |= {"mc[0]": 1.1, "fakes_stat[0]": 0.9, "other_shape[1]": 1.5}
    parameters = batch_of([values[name] for name in model.names])
    expected = Likelihood(model).expected_by_sample(parameters)[..., 0]
    by_sample = dict(zip(model.samples, expected, strict=True))
    region, control = model.bins["region"], model.bins["control"]
    np.testing.assert_allclose(by_sample["signal"][region], [5 * 2 * 1.03 * 1.1, 9 * 2 * 1.03, 3 * 2 * 1.03])
    np.testing.assert_allclose(by_sample["top"][region], 1.03 * 1.12 * 1.2 * np.array([17 * 1.1, 24.5, 10]))
    np.testing.assert_allclose(by_sample["fakes"][region], [30 * 0.9, 22, 27])
    np.testing.assert_allclose(by_sample["top"][control], [78 * 1.05 * 1.2, 68 * 1.05 * 1.2])
    np.testing.assert_allclose(by_sample["other"][control], [20, 22 * 1.5])
    np.testing.assert_array_equal(by_sample["signal"][control], 0)


def test_constraint_widths_by_hand():
    model = compile_workspace(EVERY_MODIFIER)
    widths = dict(zip(model.names, model.constrained_widths(), strict=True))
    assert widths["top_scale"] == widths["jets"] == 1
    assert widths["lumi"] == pytest.approx(0.02)
    assert [widths[f"fakes_stat[{i}]"] for i in range(3)] == pytest.approx([4 / 30, 3 / 22, 5 / 27])
    quadrature = [np.hypot(0.5, 1.1) / 25, np.hypot(0.7, 1.3) / 34, np.hypot(0.4, 0.8) / 14]
    assert [widths[f"mc[{i}]"] for i in range(3)] == pytest.approx(quadrature)
    assert all(np.isnan(widths[name]) for name in ("mu", "top_norm", "other_shape[0]", "other_shape[1]"))


def test_poisson_constraints_have_the_tau_of_the_template():
    model = compile_workspace(SMALL["shapesys"])
    np.testing.assert_allclose(model.constraints.factor, [(50 / 7) ** 2, (52 / 5) ** 2])
    assert model.constraints.is_poisson.all()
    np.testing.assert_allclose(model.data[model.nmain :], model.constraints.factor)


def test_a_fixed_parameter_has_no_width():
    spec = counting([9.0], [3.0], [10.0], normsys(0.1), parameters=[{"name": "scale", "fixed": True}])
    model = compile_workspace(spec)
    assert model.fixed.tolist() == [name == "scale" for name in model.names]
    assert np.isnan(model.constrained_widths()).all()


def test_a_bin_without_uncertainty_has_a_fixed_gamma():
    model = compile_workspace(counting([9.0, 8.0], [3.0, 2.0], [10.0, 9.0], ("stat", "shapesys", [1.0, 0.0])))
    assert dict(zip(model.names, model.fixed, strict=True)) == {"mu": False, "stat[0]": False, "stat[1]": True}


def test_a_model_without_nuisance_parameters_has_no_auxiliary_data():
    model = compile_workspace(counting([12.0, 21.0], [3.0, 4.0], [10.0, 20.0]))
    assert model.names == ["mu"]
    assert Likelihood(model).asimov(np.array([2.0])).tolist() == [16.0, 28.0]
    assert model.expected_auxiliary(np.array([2.0])).shape == (0,)


class TestTheFile:
    def test_it_holds_the_model(self, tmp_path, spec):
        model = compile_workspace(spec)
        path = tmp_path / "model.npz"
        path.write_bytes(to_npz(model))
        again = from_npz(path)
        for field in dataclasses.fields(model):
            for ours, read in zip(*(np.atleast_1d(getattr(each, field.name)) for each in (model, again)), strict=True):
                np.testing.assert_array_equal(ours, read)
        assert to_npz(again) == to_npz(compile_workspace(copy.deepcopy(spec)))

    @pytest.mark.parametrize("length", [0, 10, 1000])
    def test_a_part_of_it_is_refused(self, tmp_path, length):
        path = tmp_path / "model.npz"
        path.write_bytes(to_npz(compile_workspace(EVERY_MODIFIER))[:length])
        with pytest.raises(InputError, match="not a compiled model"):
            from_npz(path)

    def test_pickles_are_refused(self, tmp_path):
        path = tmp_path / "model.npz"
        np.savez(path, plain=np.array([{"a": 1}], dtype=object))
        with pytest.raises(InputError, match="not a compiled model"):
            from_npz(path)


def paths(value, path=()):
    """All places in a JSON value."""
    if path:
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from paths(child, (*path, key))


@pytest.mark.parametrize(
    "value", [None, "x", -1.0, float("nan"), [], {}, True, 10**400, "missing"], ids=lambda value: str(value)[:9]
)
def test_whatever_stands_in_a_workspace_it_is_a_model_or_refused(value):
    for path in list(paths(EVERY_MODIFIER)):
        spec = copy.deepcopy(EVERY_MODIFIER)
        owner = spec
        for key in path[:-1]:
            owner = owner[key]
        if value == "missing":
            del owner[path[-1]]
        else:
            owner[path[-1]] = value
        try:
            model = compile_workspace(spec)
        except InputError:
            continue
        assert np.isfinite(model.nominal).all()


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("muscan.histfactory.compile", {"pyhf", "jsonschema", "pandas", "scipy", "iminuit"}),
        ("hypotest", {"pyhf", "jsonschema", "pandas", "scipy", "iminuit", "matplotlib"}),
    ],
)
def test_a_job_that_fans_out_imports_little(module, unwanted):
    code = f"import sys; import {module}; print(*sys.modules)"
    scripts = Path(hypotest.__file__).parent
    run = subprocess.run([sys.executable, "-c", code], cwd=scripts, capture_output=True, text=True, check=True)
    assert not unwanted & set(run.stdout.split())


class TestRefusals:
    def test_a_workspace_that_pyhf_refuses(self):
        spec = copy.deepcopy(SMALL["normsys"])
        del spec["channels"][0]["samples"][0]["data"]
        with pytest.raises(InputError, match="'data' is missing"):
            compile_workspace(spec)

    def test_data_of_the_wrong_length(self):
        spec = copy.deepcopy(SMALL["normsys"])
        spec["observations"][0]["data"].append(3.0)
        with pytest.raises(InputError, match="'channel' has 3 bins of observed data and templates of 2"):
            compile_workspace(spec)

    def test_data_of_two_channels_whose_lengths_are_swapped(self):
        """The sum is right, and pyhf does not look further."""
        spec = copy.deepcopy(EVERY_MODIFIER)
        first, second = spec["observations"]
        first["data"], second["data"] = second["data"], first["data"]
        with pytest.raises(InputError, match="bins of observed data"):
            compile_workspace(spec)

    def test_negative_data(self):
        with pytest.raises(InputError, match="negative observed data: -1"):
            compile_workspace(counting([9.0, -1.0], [3.0, 2.0], [10.0, 9.0]))

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_numbers_that_are_none(self, value):
        """pyhf takes a shapesys of nan for no uncertainty at all."""
        with pytest.raises(InputError, match="not finite"):
            compile_workspace(counting([9.0], [3.0], [10.0], ("stat", "shapesys", [value])))

    def test_a_scale_factor_without_a_logarithm(self):
        with pytest.raises(InputError):
            compile_workspace(counting([9.0], [3.0], [10.0], ("scale", "normsys", {"hi": 1.1, "lo": -0.1})))

    def test_a_background_only_workspace(self):
        spec = workspace({"channel": ([9.0], {"background": ([10.0], [normsys(0.1)])})}, poi="")
        with pytest.raises(InputError, match="patch that adds the signal"):
            compile_workspace(spec)

    def test_a_parameter_of_interest_that_the_model_lacks(self):
        spec = workspace({"channel": ([9.0], {"background": ([10.0], [normsys(0.1)])})})
        with pytest.raises(InputError):
            compile_workspace(spec)

    def test_a_fixed_parameter_of_interest(self):
        spec = counting([9.0], [3.0], [10.0], parameters=[{"name": "mu", "fixed": True}])
        with pytest.raises(InputError, match="mu, is fixed"):
            compile_workspace(spec)


class TestBoundsOfThePoi:
    spec = counting([9.0], [3.0], [10.0], normsys(0.1))

    def test_qtilde_begins_at_zero_and_reaches_the_scan(self):
        assert bounded(compile_workspace(self.spec), "qtilde", 20.0).bounds[0].tolist() == [0, 20]
        assert bounded(compile_workspace(self.spec), "qtilde", 2.0).bounds[0].tolist() == [
            0,
            10,
        ]  # pyhf's own bound is wider

    def test_q_needs_room_below_zero(self):
        assert bounded(compile_workspace(self.spec), "q", 20.0).bounds[0].tolist() == [-20, 20]

    def test_qtilde_is_bounded_whatever_the_workspace_says(self):
        spec = counting([9.0], [3.0], [10.0], parameters=[{"name": "mu", "bounds": [[-5.0, 5.0]]}])
        assert bounded(compile_workspace(spec), "qtilde", 8.0).bounds[0].tolist() == [0, 8]

    def test_the_other_parameters_keep_theirs(self):
        spec = workspace({"channel": ([9.0], {"signal": ([3.0], [MU]), "background": ([10.0], [normsys(0.1)])})})
        model = bounded(compile_workspace(spec), "qtilde", 20.0)
        np.testing.assert_array_equal(model.bounds[1:], referee(spec)[0].config.suggested_bounds()[1:])


def test_all_problems_of_a_workspace_are_told_at_once():
    spec = copy.deepcopy(EVERY_MODIFIER)
    region, control = spec["channels"]
    region["samples"][0]["modifiers"][0]["type"] = "normfactr"
    region["samples"][1]["data"][0] = None
    control["samples"][0]["modifiers"][0]["data"] = {"hi": 1.1, "lo": -1.0}
    spec["measurements"][0]["config"]["poi"] = 3
    with pytest.raises(InputError) as error:
        compile_workspace(spec)
    for words in ("normfactr", "found null", "must be positive", "'poi' must be a string"):
        assert words in str(error.value)
