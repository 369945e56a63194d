"""The simulated search: valid files, the described physics, and limits across a grid of masses."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pyhf
import pytest
import yaml

from helpers.workspaces import engine_of, referee, tight_minuit
from muscan.base.json_input import read_json
from muscan.commands import simulate_grid
from muscan.config.check import check
from muscan.config.schema import complete
from muscan.config.signals import label_values, signals_of
from muscan.inference.hypotest import hypotest, prepare
from muscan.inputs.patches import apply_from_patchset
from muscan.inputs.published import check_patchset, check_workspace

ROOT = Path(__file__).parents[2]
EDGES = [300, 400, 500, 600, 800, 1000]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("grid")
    simulate_grid.main(["--output", str(folder)])
    return folder


@pytest.fixture(scope="module")
def background_only(folder) -> dict:
    return read_json(folder / "BkgOnly.json")


@pytest.fixture(scope="module")
def patchset(folder) -> dict:
    return read_json(folder / "patchset.json")


@pytest.fixture
def patched(background_only, patchset):
    """Return the workspace of a signal point."""
    return lambda m1, m2: apply_from_patchset(background_only, patchset, f"signal_{m1}_{m2}")


def masses(patchset: dict) -> list[list[int]]:
    return [patch["metadata"]["values"] for patch in patchset["patches"]]


def cls(spec: dict, mu: float = 1.0) -> list[float]:
    """Return the observed and the median expected CLs of pyhf."""
    model, data = referee(spec)
    with tight_minuit():
        observed, expected = pyhf.infer.hypotest(mu, data, model, test_stat="qtilde", return_expected=True)
    return [float(observed), float(expected)]


# --- The files


def test_the_files_are_valid(background_only, patchset):
    check_workspace(background_only)
    check_patchset(patchset, background_only)
    assert patchset["metadata"]["labels"] == ["m1", "m2"]


def test_pyhf_applies_the_patches(background_only, patchset, patched):
    of_pyhf = pyhf.PatchSet(patchset)
    assert len(of_pyhf) == len(patchset["patches"])
    for patch in patchset["patches"]:
        spec = of_pyhf.apply(background_only, patch["metadata"]["name"])
        assert dict(spec) == patched(*patch["metadata"]["values"])
        assert spec.model().config.poi_name == "mu"


def test_two_runs_give_the_same_bytes(folder, tmp_path):
    simulate_grid.main(["--output", str(tmp_path / "new" / "folder")])
    names = {path.name for path in folder.iterdir()}
    assert names == {"BkgOnly.json", "patchset.json", "cross_sections.csv"}
    for name in names:
        assert (tmp_path / "new" / "folder" / name).read_bytes() == (folder / name).read_bytes()


def test_numbers_have_six_digits(background_only, patchset):
    def numbers(value):
        if isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                yield from numbers(each)
        elif isinstance(value, float):
            yield value

    for number in numbers([background_only, patchset]):
        assert number == float(f"{number:.6g}")


# --- The physics


def test_the_grid_keeps_to_its_side_of_the_diagonal(patchset):
    m1, m2 = np.transpose(masses(patchset))
    assert 35 <= len(m1) <= 50
    assert len({*zip(m1, m2, strict=True)}) == len(m1)
    assert (m1.min(), m1.max(), m2.min(), m2.max()) == (200, 1000, 0, 500)
    assert np.all(m1 - m2 > 125)
    assert np.sum(m1 - m2 < 150) >= 4


def test_yields_are_luminosity_times_cross_section_times_acceptance(folder, patchset):
    with (folder / "cross_sections.csv").open(encoding="utf-8", newline="") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    cross_sections = {row["m1"]: row["cross_section"] for row in rows}
    assert sorted(cross_sections) == sorted({m1 for m1, _ in masses(patchset)})
    assert len(rows) == len(cross_sections)
    for patch in patchset["patches"]:
        m1, m2 = patch["metadata"]["values"]
        produced = 139_000 * cross_sections[m1]
        above = np.cumsum(patch["patch"][0]["value"]["data"][::-1])[::-1]
        accepted = 0.06 * (1 - np.exp((m2 - m1 + 125) / 250))
        harder = [np.exp((300 - edge) / (80 + 0.4 * (m1 - m2))) for edge in EDGES]
        np.testing.assert_allclose(above, [produced * accepted * each for each in harder], rtol=1e-5)


def test_cross_sections_fall_and_their_errors_grow(folder):
    m1, value, error = np.genfromtxt(folder / "cross_sections.csv", delimiter=",", skip_header=1).T
    assert value[0] == pytest.approx(1)
    assert value[-1] == pytest.approx(1e-4, rel=0.05)
    assert np.all(np.diff(value) < 0)
    np.testing.assert_allclose(error / value, np.interp(m1, [200, 1000], [0.05, 0.12]), rtol=1e-4)


def test_the_background_fits_the_data(patched):
    model, data = referee(patched(500, 200))
    with tight_minuit():
        best = pyhf.infer.mle.fit(data, model)
    best = dict(zip(model.config.par_names, best, strict=True))
    assert best["mu_top"] == pytest.approx(1, abs=0.1)
    assert best["mu_w"] == pytest.approx(1, abs=0.1)
    pulls = [value for name, value in best.items() if not name.startswith(("mu", "staterror"))]
    assert len(pulls) == 9
    assert np.max(np.abs(pulls)) < 1


# --- The limits


@pytest.mark.parametrize("point", [(500, 200), (700, 0), (400, 265)])
def test_cls_is_that_of_pyhf(patched, point):
    spec = patched(*point)
    engine = engine_of(spec)
    ours = hypotest(engine, prepare(engine, "qtilde"), 1.0, "qtilde", "asymptotics").p_values
    assert [ours.CLs_obs, ours.CLs_exp[2]] == pytest.approx(cls(spec), abs=2e-4)


@pytest.mark.parametrize("point", [(200, 0), (400, 0), (400, 200)])
def test_light_particles_are_excluded(patched, point):
    assert max(cls(patched(*point))) < 0.05


@pytest.mark.parametrize("point", [(1000, 0), (800, 0), (500, 365), (600, 400)])
def test_heavy_particles_and_small_mass_differences_are_not(patched, point):
    assert min(cls(patched(*point))) > 0.05


def test_limits_range_over_a_factor_of_hundreds(patched):
    """CLs decreases with mu: if it is below 0.05, mu is above the limit."""
    assert cls(patched(200, 0), mu=0.02)[1] < 0.05
    assert cls(patched(1000, 0), mu=10.0)[1] > 0.05
    assert cls(patched(600, 465), mu=20.0)[1] > 0.05


# --- The configurations


def files_of(name: str, data: Path) -> dict[str, Path]:
    """Our copies of published files, by the names that they have after the download."""
    source = data / name
    if name == "sbottom-A":
        patches = {f"RegionA/patch.{path.name}": path for path in (source / "patches").glob("*.json")}
        return {"RegionA/BkgOnly.json": source / "BkgOnly.json.gz"} | patches
    below = "Region-highMass/" if name == "stau-highmass" else ""
    return {f"{below}{path.name.removesuffix('.gz')}": path for path in source.glob("*.json*")}


@pytest.mark.parametrize(("name", "number"), [("1Lbb", 125), ("sbottom-A", 5), ("stau-highmass", 5)])
def test_the_examples_fit_to_the_published_files(name, number, data, tmp_path, monkeypatch):
    for target, source in files_of(name, data).items():
        path = tmp_path / "data" / name / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(source)
    monkeypatch.chdir(tmp_path)
    assert_consistent(ROOT / "config" / "examples" / f"{name}.yaml", name, number)


def test_the_configuration_of_the_grid_fits_to_it(folder, patchset, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "data" / "grid")
    monkeypatch.chdir(tmp_path)
    assert_consistent(ROOT / "config" / "grid.yaml", "grid", len(patchset["patches"]))


def assert_consistent(file: Path, name: str, number: int) -> None:
    """The configuration is accepted, has this number of signals, and all are on the allowed side of the diagonal."""
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    check(config)
    config = complete(config)
    labels = label_values(config["datasets"][name]["workspace"])
    assert set(labels) == set(signals_of(config, name).values())
    assert len(labels) == number
    grid = config["grids"][name]
    assert all(values[grid["x"]] - values[grid["y"]] > grid["diagonal"] for values in labels.values())
    assert grid["axis_labels"].keys() >= {grid["x"], grid["y"]}
