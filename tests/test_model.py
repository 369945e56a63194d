"""The model against pyhf: parameters, yields, constraints; and what it refuses."""

import copy

import numpy as np
import pytest

from inference.errors import InputError
from inference.model import Model
from signal_point import load_model
from workspaces import EVERY_MODIFIER, MU, SMALL, counting, normsys, referee, workspace


@pytest.fixture(params=SMALL)
def spec(request) -> dict:
    return SMALL[request.param]


def random_points(model: Model, number: int = 20) -> np.ndarray:
    """Points spread over a few standard deviations, inside the bounds."""
    rng = np.random.default_rng(1)
    widths = np.where(np.isnan(model.constrained_widths()), 0.4, model.constrained_widths())
    low, high = model.bounds.T
    points = np.clip(model.initial + 1.5 * widths * rng.normal(size=(number, len(model.names))), low, high)
    return np.where(model.fixed, model.initial, points)


def test_parameters_are_those_of_pyhf(spec):
    model, (expected, data) = Model(spec), referee(spec)
    config = expected.config
    assert model.names == config.par_names
    assert model.poi_name == "mu"
    np.testing.assert_array_equal(model.initial, config.suggested_init())
    np.testing.assert_array_equal(model.bounds, config.suggested_bounds())
    np.testing.assert_array_equal(model.fixed, config.suggested_fixed())
    np.testing.assert_array_equal(model.data, data)
    assert model.nmain == config.nmaindata
    assert model.channels == config.channel_slices


@pytest.mark.parametrize("codes", [{}, {"normsys": "code1", "histosys": "code0"}, {"histosys": "code2"}])
def test_expected_data_are_those_of_pyhf(spec, codes):
    model, (expected, _) = Model(spec, codes), referee(spec, codes)
    for point in random_points(model):
        np.testing.assert_allclose(model.expected(point), expected.expected_data(point), rtol=1e-12)
        np.testing.assert_allclose(model.expected_by_sample(point).sum(axis=0), model.expected_main(point), rtol=1e-12)


def test_expected_events_of_every_modifier_by_hand():
    """Away from the nominal values, where each factor or shift can be written down (|alpha| = 1 is in the template)."""
    model = Model(EVERY_MODIFIER)
    values = dict(zip(model.names, model.initial, strict=True))
    values |= {"mu": 2.0, "lumi": 1.03, "top_scale": 1.0, "jets": -1.0, "top_norm": 1.2}
    values |= {"mc[0]": 1.1, "fakes_stat[0]": 0.9, "other_shape[1]": 1.5}
    expected = model.expected_by_sample(np.array([values[name] for name in model.names]))
    by_sample = dict(zip(model.samples, expected, strict=True))
    region, control = model.channels["region"], model.channels["control"]
    np.testing.assert_allclose(by_sample["signal"][region], [5 * 2 * 1.03 * 1.1, 9 * 2 * 1.03, 3 * 2 * 1.03])
    np.testing.assert_allclose(by_sample["top"][region], 1.03 * 1.12 * 1.2 * np.array([17 * 1.1, 24.5, 10]))
    np.testing.assert_allclose(by_sample["fakes"][region], [30 * 0.9, 22, 27])
    np.testing.assert_allclose(by_sample["top"][control], [78 * 1.05 * 1.2, 68 * 1.05 * 1.2])
    np.testing.assert_allclose(by_sample["other"][control], [20, 22 * 1.5])
    np.testing.assert_array_equal(by_sample["signal"][control], 0)


def test_constraint_widths_by_hand():
    model = Model(EVERY_MODIFIER)
    widths = dict(zip(model.names, model.constrained_widths(), strict=True))
    assert widths["top_scale"] == widths["jets"] == 1
    assert widths["lumi"] == pytest.approx(0.02)
    assert [widths[f"fakes_stat[{i}]"] for i in range(3)] == pytest.approx([4 / 30, 3 / 22, 5 / 27])
    quadrature = [np.hypot(0.5, 1.1) / 25, np.hypot(0.7, 1.3) / 34, np.hypot(0.4, 0.8) / 14]
    assert [widths[f"mc[{i}]"] for i in range(3)] == pytest.approx(quadrature)
    assert all(np.isnan(widths[name]) for name in ("mu", "top_norm", "other_shape[0]", "other_shape[1]"))


def test_poisson_constraints_have_the_tau_of_the_template():
    model = Model(SMALL["shapesys"])
    np.testing.assert_allclose(model.constraints.factor, [(50 / 7) ** 2, (52 / 5) ** 2])
    assert model.constraints.is_poisson.all()
    np.testing.assert_allclose(model.data[model.nmain :], model.constraints.factor)


def test_a_fixed_parameter_has_no_width():
    spec = counting([9.0], [3.0], [10.0], normsys(0.1), parameters=[{"name": "scale", "fixed": True}])
    model = Model(spec)
    assert model.fixed.tolist() == [name == "scale" for name in model.names]
    assert np.isnan(model.constrained_widths()).all()


def test_a_bin_without_uncertainty_has_a_fixed_gamma():
    model = Model(counting([9.0, 8.0], [3.0, 2.0], [10.0, 9.0], ("stat", "shapesys", [1.0, 0.0])))
    assert dict(zip(model.names, model.fixed, strict=True)) == {"mu": False, "stat[0]": False, "stat[1]": True}


def test_a_model_without_nuisance_parameters_has_no_auxiliary_data():
    model = Model(counting([12.0, 21.0], [3.0, 4.0], [10.0, 20.0]))
    assert model.names == ["mu"]
    assert model.expected(np.array([2.0])).tolist() == [16.0, 28.0]
    assert model.expected_auxiliary(np.array([2.0])).shape == (0,)


class TestRefusals:
    def test_a_workspace_that_pyhf_refuses(self):
        spec = copy.deepcopy(SMALL["normsys"])
        del spec["channels"][0]["samples"][0]["data"]
        with pytest.raises(InputError, match="pyhf does not accept the workspace"):
            Model(spec)

    def test_data_of_the_wrong_length(self):
        spec = copy.deepcopy(SMALL["normsys"])
        spec["observations"][0]["data"].append(3.0)
        with pytest.raises(InputError, match="'channel' has 3 bins of observed data and templates of 2"):
            Model(spec)

    def test_data_of_two_channels_whose_lengths_are_swapped(self):
        """The sum is right, and pyhf does not look further."""
        spec = copy.deepcopy(EVERY_MODIFIER)
        first, second = spec["observations"]
        first["data"], second["data"] = second["data"], first["data"]
        with pytest.raises(InputError, match="bins of observed data"):
            Model(spec)

    def test_negative_data(self):
        with pytest.raises(InputError, match="negative observed data: -1"):
            Model(counting([9.0, -1.0], [3.0, 2.0], [10.0, 9.0]))

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_numbers_that_are_none(self, value):
        """pyhf takes a shapesys of nan for no uncertainty at all."""
        with pytest.raises(InputError, match="not finite"):
            Model(counting([9.0], [3.0], [10.0], ("stat", "shapesys", [value])))

    def test_a_scale_factor_without_a_logarithm(self):
        with pytest.raises(InputError):
            Model(counting([9.0], [3.0], [10.0], ("scale", "normsys", {"hi": 1.1, "lo": -0.1})))

    def test_a_background_only_workspace(self):
        spec = workspace({"channel": ([9.0], {"background": ([10.0], [normsys(0.1)])})}, poi="")
        with pytest.raises(InputError, match="patch that adds the signal"):
            Model(spec)

    def test_a_parameter_of_interest_that_the_model_lacks(self):
        spec = workspace({"channel": ([9.0], {"background": ([10.0], [normsys(0.1)])})})
        with pytest.raises(InputError):
            Model(spec)

    def test_a_fixed_parameter_of_interest(self):
        spec = counting([9.0], [3.0], [10.0], parameters=[{"name": "mu", "fixed": True}])
        with pytest.raises(InputError, match="mu, is fixed"):
            Model(spec)


class TestBoundsOfThePoi:
    spec = counting([9.0], [3.0], [10.0], normsys(0.1))

    def test_qtilde_begins_at_zero_and_reaches_the_scan(self):
        assert load_model(self.spec, {}, "qtilde", 20.0).bounds[0].tolist() == [0, 20]
        assert load_model(self.spec, {}, "qtilde", 2.0).bounds[0].tolist() == [0, 10]  # pyhf's own bound is wider

    def test_q_needs_room_below_zero(self):
        assert load_model(self.spec, {}, "q", 20.0).bounds[0].tolist() == [-20, 20]

    def test_qtilde_is_bounded_whatever_the_workspace_says(self):
        spec = counting([9.0], [3.0], [10.0], parameters=[{"name": "mu", "bounds": [[-5.0, 5.0]]}])
        assert load_model(spec, {}, "qtilde", 8.0).bounds[0].tolist() == [0, 8]

    def test_the_other_parameters_keep_theirs(self):
        spec = workspace({"channel": ([9.0], {"signal": ([3.0], [MU]), "background": ([10.0], [normsys(0.1)])})})
        model = load_model(spec, {}, "qtilde", 20.0)
        np.testing.assert_array_equal(model.bounds[1:], referee(spec)[0].config.suggested_bounds()[1:])
