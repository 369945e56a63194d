"""The batched fits: nothing is lost, nothing depends on the batch, and Minuit finds nothing lower."""

import os
from pathlib import Path

import jsonpatch
import numpy as np
import pytest

from helpers.published import published
from helpers.random_starts import best_of_random_starts, throw
from helpers.workspaces import SMALL, counting, engine_of, normsys, referee
from muscan.base.errors import InputError
from muscan.base.json_input import read_json
from muscan.histfactory.likelihood import Likelihood
from muscan.histfactory.poisson import WALL_WIDTH
from muscan.inference import minuit
from muscan.inference.newton import Newton

# `make study` asks for the numbers of toys that the statements are about; the suite takes a part of them.
PART = float(os.environ.get("MUSCAN_STUDY", "0.02"))


@pytest.fixture(params=["default question", "sbottom-A", "stau-highmass", "1Lbb"])
def engine(request, seed_question, data) -> Newton:
    if request.param != "default question":
        return engine_of(published(data, request.param))
    table = np.genfromtxt(seed_question / "original.csv", delimiter=",", names=True)
    background = table["background"]
    modifiers = [("stat", "shapesys", np.sqrt(background).tolist()), ("bkgnorm", "normfactor", None)]
    columns = (table[name].tolist() for name in ("observed", "signal", "background"))
    return engine_of(counting(*columns, *modifiers))


def test_a_fit_does_not_depend_on_its_batch(engine):
    toys = throw(engine, 101)
    truth = engine.model.initial
    together, both = engine.fit(toys, [truth]), engine.fit_both(toys, truth, 1.0)[:2]
    for index in (0, 1, 50, 100):
        alone = engine.fit(toys[:, [index]], [engine.model.initial])
        np.testing.assert_array_equal(alone.parameters[:, 0], together.parameters[:, index])
        assert alone.deviance[0] == together.deviance[index]
        for ours, among in zip(engine.fit_both(toys[:, [index]], truth, 1.0)[:2], both, strict=True):
            np.testing.assert_array_equal(ours.parameters[:, 0], among.parameters[:, index])
    shuffled = np.random.default_rng(0).permutation(101)
    again = engine.fit(toys[:, shuffled], [engine.model.initial])
    np.testing.assert_array_equal(again.parameters, together.parameters[:, shuffled])


def test_what_stands_in_new_memory_does_not_matter(engine, monkeypatch):
    toys = throw(engine, 20)
    before = engine.fit(toys, [engine.model.initial])
    empty_like = np.empty_like

    def full_of_nan(array: np.ndarray) -> np.ndarray:
        if array.dtype.kind == "f":
            array.fill(np.nan)
        return array

    monkeypatch.setattr(np, "empty", lambda *args, **kwargs: full_of_nan(np.zeros(*args, **kwargs)))
    monkeypatch.setattr(np, "empty_like", lambda *args, **kwargs: full_of_nan(empty_like(*args, **kwargs)))
    after = engine.fit(toys, [engine.model.initial])
    np.testing.assert_array_equal(after.parameters, before.parameters)
    np.testing.assert_array_equal(after.deviance, before.deviance)


def test_fits_converge_in_the_batch(engine):
    number = max(int(2000 * PART), 100)
    toys = throw(engine, number, seed=2)
    free, held, repeated = engine.fit_both(toys, engine.model.initial, 1.0)
    for fits in (free, held):
        assert np.isfinite(fits.deviance).all()
        assert fits.rescued.sum() <= 1e-3 * number
        assert (fits.edm[~fits.rescued] < 1e-8).all()
    assert (held.deviance >= free.deviance).all()
    assert repeated.mean() <= 0.02


def test_minuit_finds_nothing_lower(engine):
    """From where the fit ended; from the initial values it may find another valley, which the study counts."""
    number = max(int(200 * PART), 3)
    toys = throw(engine, number, seed=3)
    fits = engine.fit(toys, [engine.model.initial])
    elsewhere = 0
    for index in range(number):
        found = minuit.fit(engine.likelihood, toys[:, index], fits.parameters[:, index])
        # Minuit may lean through the wall nu >= 0 of a bin in which nothing is seen; each such event is worth 2.
        through = 2 * WALL_WIDTH * (toys[: engine.model.nmain, index] == 0).sum()
        assert found is None or fits.deviance[index] <= found[1] + 1e-6 + through
        found = minuit.fit(engine.likelihood, toys[:, index], engine.model.initial)
        elsewhere += found is not None and fits.deviance[index] > found[1] + 1e-6
    assert elsewhere <= 0.01 * number


@pytest.mark.parametrize("name", ["sbottom-A", "1Lbb"])
def test_few_fits_end_in_another_valley_than_the_best_of_ten_random_starts(name, data):
    """Local minima are real, and no search for the lowest one is complete."""
    engine = engine_of(published(data, name))
    number = max(int(1000 * PART), 100)
    toys = throw(engine, number, seed=7)
    above = engine.fit(toys, [engine.model.initial]).deviance - best_of_random_starts(engine, toys)
    print(f"{name}: {(above > 1e-6).sum()} of {number} fits end above, by {np.sort(above)[-3:]}")
    assert (above > 1e-6).sum() <= max(1e-3 * number, 1)


@pytest.mark.parametrize("modifiers", [[], [("stat", "shapesys", [3.0, 4.0])], [normsys(0.1)]], ids=str)
def test_a_flat_direction_does_not_disturb(modifiers):
    """Two normalisations of one sample do what one does."""
    q = []
    for names in (["one"], ["one", "other"]):
        norms = [(name, "normfactor", None) for name in names]
        engine = engine_of(counting([12.0, 21.0], [3.0, 4.0], [10.0, 20.0], *modifiers, *norms))
        free, held, _ = engine.fit_both(np.repeat(engine.model.data[:, None], 2, axis=1), engine.model.initial, 3.0)
        assert not free.rescued.any()
        assert not held.rescued.any()
        q.append(held.deviance[0] - free.deviance[0])
    assert q[1] == pytest.approx(q[0], abs=1e-8)


def every_workspace(data: Path):
    """(name, workspace) of all that is in the folder of reference data; of large patch sets three signals."""
    for path in sorted((data / "pyhf-testsuite").glob("*.json")) + sorted((data / "discovery-regions").glob("*.json")):
        spec = read_json(path)
        if "channels" in spec and spec["measurements"][0]["config"]["poi"]:
            yield path.stem, spec
    for path in sorted((data / "sbottom-A" / "patches").glob("*.json")):
        background = read_json(data / "sbottom-A" / "BkgOnly.json.gz")
        yield path.stem, jsonpatch.JsonPatch(read_json(path)).apply(background)
    for folder in ("stau-highmass", "1Lbb"):
        (patchset,) = (data / folder).glob("patchset.json*")
        background, patches = read_json(data / folder / "BkgOnly.json.gz"), read_json(patchset)["patches"]
        for patch in patches[:: max(len(patches) // 3, 1)]:
            yield patch["metadata"]["name"], jsonpatch.JsonPatch(patch["patch"]).apply(background)


def test_yields_and_deviance_of_every_workspace_are_those_of_pyhf(data):
    """At points inside and outside |alpha| = 1. Sums over all bins cancel: 1e-12 is relative to the sum of |terms|."""
    checked = 0
    for name, spec in every_workspace(data):
        try:
            engine = engine_of(spec)
        except InputError:  # a background-only workspace
            continue
        (expected, observed), model = referee(spec), engine.model
        assert model.names == expected.config.par_names, name
        np.testing.assert_array_equal(model.data, observed)
        np.testing.assert_array_equal(model.initial, expected.config.suggested_init())
        rng = np.random.default_rng(4)
        widths = np.nan_to_num(model.constrained_widths())
        spread = np.repeat([0.5, 0.5, 0.5, 2.0, 2.0, 2.0], 1)[:, None]
        points = model.initial + spread * widths * rng.uniform(-1, 1, size=(6, len(model.names)))
        points[:, model.poi] = rng.uniform(0.1, 2, 6)
        ours = engine.likelihood.expected_by_sample(points.T)
        pyhfs = np.stack([expected.main_model.expected_data(point, return_by_sample=True) for point in points], axis=-1)
        templates = np.abs(pyhfs).sum(axis=0)
        assert (np.abs(ours - pyhfs) <= 1e-12 * np.maximum(templates, 1e-300)).all(), name
        possible = (ours.sum(axis=0) > 0).all(axis=0)
        deviance = engine.likelihood.deviance(points.T, np.repeat(observed[:, None], 6, axis=1))[possible]
        likelihood = np.array([-2 * expected.logpdf(point, observed)[0] for point in points[possible]])
        terms = np.abs(likelihood).max() + 2 * np.sum(observed * np.log(np.maximum(observed, 1)))
        np.testing.assert_allclose(np.diff(deviance), np.diff(likelihood), rtol=1e-12, atol=1e-12 * terms, err_msg=name)
        checked += 1
    assert checked >= 25


@pytest.mark.parametrize("name", SMALL)
def test_ten_random_starts_find_nothing_lower(name):
    engine = engine_of(SMALL[name])
    toys = throw(engine, 200, seed=5, mu=1.0)
    fits = engine.fit(toys, [engine.model.initial])
    assert (fits.deviance <= best_of_random_starts(engine, toys) + 1e-6).all()


def test_where_nothing_is_seen_the_template_stops_at_zero():
    """alpha < -1/2 makes the first bin negative. On the wall alpha = -1/2 and half the deviance is linear in it."""
    shape = ("shape", "histosys", {"hi_data": [3.0, 22.0], "lo_data": [-1.0, 18.0]})
    engine = engine_of(counting([0.0, 12.0], [3.0, 4.0], [1.0, 20.0], shape))
    fits = engine.fit(engine.model.data[:, None], [engine.model.initial], mu=np.zeros(1))
    expected = engine.likelihood.expected(fits.parameters)[:, 0]
    assert expected == pytest.approx([0.0, 19.0], abs=1e-6)
    assert fits.deviance[0] == pytest.approx(0.25 + 2 * (19 - 12 + 12 * np.log(12 / 19)), abs=1e-7)
    assert not fits.rescued[0]


def test_kinks_of_the_interpolation_are_found():
    """Both templates lower: an excess is fitted best with alpha = 0, where the deviance has a kink."""
    shape = ("shape", "histosys", {"hi_data": [16.0], "lo_data": [15.0]})
    engine = engine_of(counting([25.0], [3.0], [20.0], shape), {"histosys": "code0"})
    fits = engine.fit(engine.model.data[:, None], [engine.model.initial], mu=np.zeros(1))
    alpha = engine.model.names.index("shape")
    assert fits.parameters[alpha, 0] == 0
    assert fits.deviance[0] == pytest.approx(2 * (20 - 25 + 25 * np.log(25 / 20)), rel=1e-12)
    assert not fits.rescued[0]


def test_layouts_with_shared_shape_factors_are_taken_apart():
    likelihood = Likelihood(engine_of(SMALL["every modifier"]).model)
    assert [block.bins.shape for block in likelihood.layout.blocks] == [(1, 2), (1, 3)]
