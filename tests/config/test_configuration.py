"""Complete settings of a configuration: scans, grids, jobs and names of signals."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muscan.base.errors import InputError
from muscan.config.grids import grid_plots, grid_settings, units_of
from muscan.config.mu_values import mu_grid, mu_jobs, poi_bound
from muscan.config.scans import outline_of, packs_of
from muscan.config.schema import complete
from muscan.config.settings import Interpolation, ToySettings, scan_plots, scan_settings, toy_rounds
from muscan.config.signals import label_values, path_name, signal_names, workspace_files

ROOT = Path(__file__).parents[2]

# --- Settings, grids and jobs


def test_settings_of_an_analysis_come_before_those_of_the_scan_and_the_defaults():
    config = {"scan": {"mu": [1], "plots": []}, "analyses": {"a": {"dataset": "d", "mu": [2]}}}
    config["analyses"]["a"]["interpolation"] = {"normsys": "code1"}
    found = scan_settings(complete(config), "a")
    assert found.mu == ["2"]
    assert found.plots == []
    assert found.confidence_level == 0.95
    assert found.interpolation == Interpolation(normsys="code1", histosys="code4p")


def test_an_analysis_replaces_a_setting_as_a_whole():
    config = {"scan": {"toys": {"target": 0.1, "seed": 7}}, "analyses": {"a": {"dataset": "d", "toys": {"jobs": 2}}}}
    toys = scan_settings(complete(config), "a").toys
    assert (toys.jobs, toys.seed, toys.target, toys.per_hypothesis, toys.max) == (2, 0, None, 5000, None)
    assert complete(complete(config)) == complete(config)


def test_what_is_written_stays_when_a_configuration_is_completed(default_config):
    def written(value, full) -> bool:
        if not isinstance(value, dict):
            return value == full
        return all(key in full and written(each, full[key]) for key, each in value.items())

    full = complete(default_config)
    assert written(default_config, full)
    assert full["analyses"] == default_config["analyses"]
    assert all(model["poi"] == "mu" and model["parameters"] == [] for model in full["models"].values())
    assert full["grids"] == {}


def test_defaults_of_a_data_set():
    shapes = {"e": {"shape": "exponential", "scale": 2}, "n": {"shape": "normal", "mean": 5, "width": 1}}
    datasets = {"s": {"simulate": {"components": shapes}}, "w": {"workspace": {"file": "w.json"}}}
    full = complete({"datasets": datasets, "analyses": {}})["datasets"]
    assert full["s"]["simulate"]["components"] == {"e": shapes["e"] | {"low": 0}, "n": shapes["n"]}
    assert full["w"]["workspace"] == {"file": "w.json", "signals": "all", "max_megabytes": 200}


def test_the_number_of_toys_is_fixed_or_follows_a_target():
    def toys(**given) -> ToySettings:
        return scan_settings(complete({"scan": {"toys": given}, "analyses": {"a": {"dataset": "d"}}}), "a").toys

    assert toys().max is None
    assert toys().per_hypothesis == 5000
    assert toys(per_hypothesis=10).per_hypothesis == 10
    assert toys(target=0.1).per_hypothesis is None
    assert toys(target=0.1).max == 1_000_000
    assert (toy_rounds(toys()), toy_rounds(toys(target=0.1))) == (1, 4)


def test_pictures_of_the_fit_are_drawn_once_and_those_of_toys_where_there_are_toys():
    scan = {"plots": ["brazil", "pulls", "toys"], "calculators": ["asymptotics", "toybased"]}
    settings = scan_settings(complete({"scan": scan, "analyses": {"a": {"dataset": "d"}}}), "a")
    assert scan_plots(settings, "asymptotics") == ["brazil", "pulls"]
    assert scan_plots(settings, "toybased") == ["brazil", "toys"]


@pytest.mark.parametrize(
    ("mu", "grid"),
    [
        ([2, 0.1 + 0.2, 1, 1.0, 0], ["0", "0.3", "1", "2"]),
        ([-0.0, 1], ["0", "1"]),
        ([1e-5, 12345.678], ["1e-05", "12345.678"]),
        ({"start": 1, "stop": 1, "number": 1}, ["1"]),
        ({"start": 0, "stop": 1, "number": 3}, ["0", "0.5", "1"]),
        ({"start": 0, "stop": 5, "number": 51}, [f"{i / 10:g}" for i in range(51)]),
    ],
)
def test_grid(mu, grid):
    assert mu_grid(mu) == grid


grids = st.lists(st.floats(0, 1e6), min_size=1, max_size=60).map(mu_grid)


@given(grids)
def test_values_of_a_grid_ascend_and_fit_the_wildcard_of_the_rules(grid):
    values = [float(value) for value in grid]
    assert values == sorted(set(values))
    constraint = re.search(r'mu=r"(.+)"', (ROOT / "rules" / "common.smk").read_text())[1]
    assert all(re.fullmatch(constraint, label) for label in [*mu_jobs(grid, 1), *mu_jobs(grid, 7)])


@given(grids, st.integers(1, 70))
def test_jobs_take_every_value_once_and_in_order(grid, mu_per_job):
    jobs = mu_jobs(grid, mu_per_job)
    assert [mu for chunk in jobs.values() for mu in chunk] == grid
    assert len(jobs) == math.ceil(len(grid) / mu_per_job)
    assert max(map(len, jobs.values())) <= mu_per_job
    assert all(
        label.split("_to_")[0] == chunk[0] and label.split("_to_")[-1] == chunk[-1] for label, chunk in jobs.items()
    )


@pytest.mark.parametrize(("largest", "bound"), [(0, 10), (5, 10), (10, 10), (10.1, 20), (20, 20), (41, 80), (100, 160)])
def test_bound_of_the_poi_moves_in_steps(largest, bound):
    assert poi_bound(largest) == bound


def test_jobs_read_no_schema():
    """Modules that jobs import do not import YAML or a schema validator."""
    names = ("datasets", "grids", "mu_values", "result_files", "scans", "schema", "settings", "signals")
    imports = "; ".join(f"import muscan.config.{name}" for name in names)
    code = f"import sys; {imports}; print(sorted({{'yaml', 'jsonschema', 'pandas'}} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True)
    assert result.stdout == "[]\n"


# --- Names of signals


@given(st.text(min_size=1))
def test_any_name_becomes_one_safe_part_of_a_path(name):
    part = path_name(name)
    assert unquote(part) == name  # so distinct names stay distinct
    assert re.fullmatch(r"[A-Za-z0-9%._~+,=@-]+", part)
    assert not part.startswith((".", "-"))


def patchset(tmp_path, names: list) -> dict:
    file = tmp_path / "patchset.json"
    file.write_text(json.dumps({"patches": [{"metadata": {"name": name}} for name in names]}))
    return {"file": "x", "patchset": str(file), "signals": "all"}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("all", ["m_100_1", "m_200_1", "n[1]/a"]),
        ("m_*", ["m_100_1", "m_200_1"]),
        ("m_?00_1", ["m_100_1", "m_200_1"]),
        (["m_200_1", "n[1]/a"], ["m_200_1", "n[1]/a"]),
        ("M_*", None),
    ],
)
def test_selection_of_signals(tmp_path, wanted, names):
    source = patchset(tmp_path, ["m_100_1", "m_200_1", "n[1]/a"]) | {"signals": wanted}
    if names is None:
        with pytest.raises(InputError, match=r"no signal matches 'M_\*'; there are m_100_1, m_200_1"):
            signal_names(source)
    else:
        assert list(signal_names(source).values()) == names
        assert [unquote(part) for part in signal_names(source)] == names


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 300, 3, None])
def test_patches_whose_names_cannot_be_folders(tmp_path, name):
    with pytest.raises(InputError, match="which cannot be used for a folder"):
        signal_names(patchset(tmp_path, ["good", name]))


def test_two_patches_of_one_name(tmp_path):
    """Only the job of this signal fails."""
    assert list(signal_names(patchset(tmp_path, ["a", "b", "a"]))) == ["a", "b"]


def test_a_wanted_signal_without_a_patch_fails_alone(tmp_path):
    source = patchset(tmp_path, ["a", "b"]) | {"signals": ["a", "c"]}
    assert list(signal_names(source)) == ["a", "c"]
    with pytest.raises(InputError, match=r"there is no signal 'bb'; did you mean 'b'\?"):
        signal_names(source | {"signals": ["bb"]})


def test_the_most_similar_signal_is_named(tmp_path):
    source = patchset(tmp_path, ["stau_100_1", "C1N2_Wh_hbb_1000_0", "gluino"]) | {"signals": ["C1N2_nope"]}
    hint = "there is no signal 'C1N2_nope'; of the 3 signals, 'C1N2_Wh_hbb_1000_0' has the most similar name"
    with pytest.raises(InputError, match=hint):
        signal_names(source)


@pytest.mark.parametrize("content", ["[]", '{"patches": 3}', '{"patches": [{"metadata": []}]}', "3"])
def test_a_file_that_is_no_patch_set(tmp_path, content):
    file = tmp_path / "patchset.json"
    file.write_text(content)
    with pytest.raises(InputError, match=r"patchset\.json: not a patch set: the names of patches are missing"):
        signal_names({"file": "x", "patchset": str(file), "signals": "all"})


def loose(patches) -> dict:
    return {"patches": str(patches), "signals": "all"}


def test_loose_patches(tmp_path):
    for name in ("a.json", "b.json", "c.json.gz", "d.txt"):
        (tmp_path / name).write_text("[]")
    assert list(signal_names(loose(tmp_path))) == ["a", "b"]
    assert list(signal_names(loose(f"{tmp_path}/*.json*"))) == ["a", "b", "c"]
    files = workspace_files({"file": "w", "patches": f"{tmp_path}/*.json*"}, "c")
    assert files == {"workspace": "w", "patch": f"{tmp_path}/c.json.gz"}


def test_two_loose_patches_of_one_name(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.json").write_text("[]")
    with pytest.raises(InputError, match=r"two patches have the same name: .*x/a\.json and .*y/a\.json"):
        signal_names(loose(f"{tmp_path}/*/a.json"))


def test_a_folder_of_patches_may_have_any_name(tmp_path):
    folder = tmp_path / "region[A]"
    folder.mkdir()
    (folder / "a.json").write_text("[]")
    assert list(signal_names(loose(folder))) == ["a"]


# --- Grids of signals


def grid_config(**settings) -> dict:
    analyses = {"a": {"dataset": "d", "calculators": ["toybased", "asymptotics"]}, "b": {"dataset": "d", "mu": [1]}}
    grid = {"analyses": ["a", "b"], "x": "m1", **settings}
    return complete({"datasets": {}, "analyses": analyses, "grids": {"g": grid}})


def test_the_calculator_of_a_grid_is_one_that_all_analyses_use():
    assert grid_settings(grid_config(), "g").calculator == "asymptotics"
    config = grid_config(analyses=["a"])
    config["analyses"]["a"]["calculators"] = ["toybased"]
    assert grid_settings(config, "g").calculator == "toybased"


def test_pictures_of_a_grid():
    assert grid_plots(grid_config(y="m2"), "g") == ["plots/exclusion.png", "plots/limits"]
    assert grid_plots(grid_config(), "g") == ["plots/limits"]
    assert grid_plots(grid_config(y="m2", analyses=["b"]), "g") == ["plots/exclusion.png"]


def test_pictures_of_p0_need_it_from_all_analyses():
    config = grid_config(y="m2")
    config["analyses"]["a"]["discovery"] = True
    assert grid_plots(config, "g") == ["plots/exclusion.png", "plots/limits"]
    config["analyses"]["b"]["discovery"] = True
    assert grid_plots(config, "g") == [
        f"plots/{name}" for name in ("exclusion.png", "limits", "significance.png", "p0")
    ]
    del config["grids"]["g"]["y"]
    config["analyses"]["a"]["mu"] = [1]
    assert grid_plots(config, "g") == ["plots/p0"]


def test_units_stand_in_brackets_at_the_end():
    labels = {"m1": "m(X) [GeV]", "m2": "m [a] b", "m3": "width [%] ", "m4": "[]"}
    assert units_of(labels) == ["m1=GeV", "m3=%"]


def packed(source: dict, signals_per_job: int) -> list[list[str]]:
    analyses = {"a": {"dataset": "d", "signals_per_job": signals_per_job}}
    return packs_of(complete({"datasets": {"d": {"workspace": source}}, "analyses": analyses}), "a")


def test_packs_hold_every_signal_once(tmp_path):
    signals = [str(number) for number in range(10)]
    source = patchset(tmp_path, signals)
    assert packed(source, 4) == [signals[:4], signals[4:8], signals[8:]]
    assert packed(source, 100) == [signals]
    assert packed({"file": "b.json"}, 4) == [["signal"]]


def test_a_pack_fits_into_a_command(tmp_path):
    """Linux takes 128 KiB for one argument, the command line of a shell; each name and path is in it once."""
    long = [f"{number:0200}" for number in range(500)]
    packs = packed(patchset(tmp_path, long), 500)
    assert [signal for pack in packs for signal in pack] == long
    assert max(sum(map(len, pack)) for pack in packs) <= 100_000
    folder = tmp_path / ("p" * 200) / ("p" * 200)
    folder.mkdir(parents=True)
    for name in long:
        (folder / f"{name}.json").touch()
    packs = packed({"file": "b.json", "patches": str(folder)}, 500)
    assert [signal for pack in packs for signal in pack] == long
    paths = len(f"{folder}/{long[0]}.json") + len(long[0])
    assert max(map(len, packs)) * paths <= 100_000


def test_labels_of_a_patch_set(tmp_path):
    source = patchset(tmp_path, ["a", "b"])
    file = Path(source["patchset"])
    content = json.loads(file.read_text())
    content["metadata"] = {"labels": ["m1", "m2"]}
    content["patches"][0]["metadata"]["values"] = [100, 2.5]
    content["patches"][1]["metadata"]["values"] = [100]
    other = tmp_path / "other.json"
    other.write_text(json.dumps(content))
    assert label_values({"patchset": str(other)}) == {"a": {"m1": 100, "m2": 2.5}, "b": {}}


def test_labels_in_the_names_of_loose_patches(tmp_path):
    for name in ("stau.100_2.5.json", "stau.200_-1.json"):
        (tmp_path / name).write_text("[]")
    source = {"patches": str(tmp_path), "labels": "stau.{m1}_{m2}"}
    assert label_values(source) == {
        "stau.100_2.5": {"m1": 100, "m2": 2.5},
        "stau.200_-1": {"m1": 200, "m2": -1},
    }
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "stauX100_2.json").write_text("[]")
    source["patches"] = str(tmp_path / "other")
    with pytest.raises(InputError, match=r"the name 'stauX100_2' does not have the form 'stau\.\{m1\}_\{m2\}'"):
        label_values(source)


def test_the_outline_says_nothing_of_how_results_are_made():
    config = grid_config()
    config["datasets"] = {"d": {"workspace": {"file": "B.json", "patches": "p"}}, "h": {"histograms": {"counts": {}}}}
    outline = outline_of(config)
    assert outline["analyses"]["b"] == {"dataset": "d", "calculators": ["asymptotics"], "measurements": []}
    assert outline["datasets"] == {"d": config["datasets"]["d"], "h": {"histograms": {}}}
    packed = config | {"scan": config["scan"] | {"signals_per_job": 5, "mu": "auto", "plots": []}}
    assert outline_of(packed) == outline
