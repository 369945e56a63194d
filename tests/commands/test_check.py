"""make check: problems of all models of a configuration, before a run."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from helpers.workflow import REPO
from helpers.workspaces import MU, counting, normsys, workspace
from muscan.base.files import write_json
from muscan.commands import check, simulate_grid
from muscan.config import signals as configuration
from muscan.config.schema import complete
from muscan.inputs import patches as patch_workspace
from muscan.inputs import sources

SOUND = counting([55.0, 62.0], [10.0, 6.0], [50.0, 52.0], normsys(0.1))
ODD = counting([55.0, 62.0], [10.0, 6.0], [50.0, 52.0], ("scale", "normsys", {"hi": 1.1, "lo": 1.05}))
BROKEN = counting([55.0, 3.0], [10.0, 0.0], [50.0, 0.0], normsys(0.1))
HISTOGRAMS = {"histograms": {"counts": {"SR": {"s": 5, "b": 50, "observed": 52}}}}
MODEL = {"samples": {"s": [{"name": "mu", "type": "normfactor"}], "b": []}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, config: dict) -> tuple[int, list[str]]:
    """Return the exit code and the printed lines."""
    with open("mine.yaml", "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    for read in (patch_workspace.read_published, configuration._patchset, configuration._loose_patches):
        read.cache_clear()  # what one process reads once, tests write anew under the same names
    before = contents()
    code = check.main(["--configfiles", "mine.yaml"])
    assert contents() == before, "a check writes nothing"
    return code, capsys.readouterr().out.splitlines()


def contents() -> set[str]:
    return {os.path.join(place, name) for place, _, names in os.walk(".") for name in names}


def single(**specs: dict | str) -> dict:
    """Return a configuration with one analysis per workspace."""
    for name, spec in specs.items():
        if isinstance(spec, dict):
            write_json(f"{name}.json", spec)
        else:
            with open(f"{name}.json", "w", encoding="utf-8") as file:
                file.write(spec)
    return {
        "datasets": {name: {"workspace": {"file": f"{name}.json"}} for name in specs},
        "analyses": {name: {"dataset": name} for name in specs},
    }


def patched(names: list[str], background: dict, patches: list[list]) -> dict:
    """Write a background-only workspace and loose patches."""
    write_json("BkgOnly.json", background)
    for name, patch in zip(names, patches, strict=True):
        write_json(f"patches/{name}.json", patch)
    return {
        "datasets": {"search": {"workspace": {"file": "BkgOnly.json", "patches": "patches"}}},
        "analyses": {"search": {"dataset": "search"}},
    }


def signal(template: list[float], *modifiers: tuple) -> list[dict]:
    """Return a patch that adds a signal."""
    spec = workspace({"SR": ([1.0], {"signal": (template, [MU, *modifiers])})})
    return [{"op": "add", "path": "/channels/0/samples/-", "value": spec["channels"][0]["samples"][0]}]


BACKGROUND = workspace({"SR": ([55.0, 3.0], {"background": ([50.0, 2.0], [normsys(0.1)])})})


def test_no_problems_are_one_line(folder, capsys):
    code, lines = run(capsys, single(first=SOUND, second=SOUND))
    assert code == 0
    assert lines == ["No problems: 2 analyses, 2 signals, 1 channel, 2 bins, 2 parameters."]


def test_warnings_alone_do_not_fail(folder, capsys):
    code, lines = run(capsys, single(sound=SOUND, odd=ODD))
    assert code == 0
    assert lines[0].startswith(
        "warning odd: normsys 'scale': the up and down variations change the events in the same direction"
    )
    assert lines[1:] == ["1 warning: 2 analyses, 2 signals, 1 channel, 2 bins, 2 parameters."]


def test_errors_come_first_and_fail(folder, capsys):
    code, lines = run(capsys, single(odd=ODD, broken=BROKEN, sound=SOUND))
    assert code == 1
    assert lines[0].startswith("error broken: channel 'channel', bin 2: 3 events are observed")
    assert lines[1].startswith("warning odd: ")
    assert lines[2].startswith("1 error and 1 warning: 3 analyses, 3 signals")
    assert len(lines) == 3


def test_a_broken_data_set_does_not_stop_the_others(folder, capsys):
    """Each of these models would get the status fit_failed."""
    config = single(cut='{"channels": [', odd=ODD, empty={"version": "1.0.0"}, nopoi=BACKGROUND)
    code, lines = run(capsys, config)
    assert code == 1
    starts = [line.partition(":")[0] for line in lines]
    assert starts == ["error cut", "error empty", "error nopoi", "warning odd", "3 errors and 1 warning"]
    assert "cut.json: not JSON" in lines[0]
    assert "not a valid pyhf workspace" in lines[1]
    assert "parameter of interest" in lines[2]


def test_a_data_set_of_several_analyses_is_reported_once(folder, capsys):
    config = single(cut="{")
    config["analyses"]["again"] = {"dataset": "cut"}
    code, lines = run(capsys, config)
    assert code == 1
    assert lines[0].startswith("error cut, again: data set 'cut': cut.json: not JSON")
    assert len(lines) == 2


def test_what_all_signals_share_is_one_line(folder, capsys):
    names = [f"m_{i}" for i in range(5)]
    background = workspace(
        {"SR": ([55.0, 3.0], {"background": ([50.0, 2.0], [("b", "normsys", {"hi": 1.1, "lo": 1.05})])})}
    )
    code, lines = run(capsys, patched(names, background, [signal([5.0, i + 1.0]) for i in range(5)]))
    assert code == 0
    assert lines[0].startswith("warning search (all 5 signals): normsys 'b'")
    assert lines[1].startswith("1 warning: 1 analysis, 5 signals")


def test_some_signals_are_named(folder, capsys):
    names = [f"m_{i}" for i in range(5)]
    patches = [signal([0.0, 0.0] if i in (1, 3) else [5.0, 1.0]) for i in range(5)]
    code, lines = run(capsys, patched(names, BACKGROUND, patches))
    assert code == 0
    assert lines[0].startswith("warning search (2 of 5 signals: m_1, m_3): parameter of interest 'mu'")
    assert len(lines) == 2


def test_what_one_patch_alone_drops_is_said_of_its_signal(folder, capsys):
    names = [f"m_{i}" for i in range(5)]
    patches = [signal([5.0, -1.0 if i == 2 else 1.0], ("mc", "staterror", [0.5, 0.4])) for i in range(5)]
    code, lines = run(capsys, patched(names, BACKGROUND, patches))
    assert code == 0
    assert lines[0].startswith(
        "warning search / m_2: signal, staterror 'mc', channel 'SR', bin 2: the uncertainty 0.4 of"
    )
    assert lines[1].startswith("warning search / m_2: 1 template with negative yields")
    assert len(lines) == 3


def test_warnings_that_differ_in_details_are_one_line(folder, capsys):
    names = [f"m_{i}" for i in range(5)]
    patches = [signal([5.0, 1.0], (f"theory {i}", "normsys", {"hi": 1.3, "lo": 1.2})) for i in range(5)]
    _, lines = run(capsys, patched(names, BACKGROUND, patches))
    assert lines[0].startswith("warning search (all 5 signals): 5 findings that differ in details, such as signal, nor")
    assert len(lines) == 2


def test_equal_errors_of_signals_are_one_line(folder, capsys):
    """Errors that differ are named each, with the file of the patch."""
    names = [f"m_{i}" for i in range(7)]
    bad, other = ([{"op": "add", "path": f"/channels/{i}/samples/-", "value": {}}] for i in (7, 8))
    code, lines = run(capsys, patched(names, BACKGROUND, [bad] * 5 + [other, signal([5.0, 1.0])]))
    assert code == 1
    apply = "the patch does not apply to the workspace: [0] add"
    assert lines[:2] == [
        f"error search (5 of 7 signals: m_0, m_1, m_2, ... (5 in all)): {apply} '/channels/7/samples/-': "
        "there is no '7' at '/channels'",
        f"error search / m_5: patches/m_5.json: {apply} '/channels/8/samples/-': there is no '8' at '/channels'",
    ]
    assert lines[2].startswith("2 errors: 1 analysis, 7 signals")


def test_an_error_of_all_signals_names_the_file_that_they_share(folder, capsys):
    config = patched(["m_0", "m_1"], BACKGROUND, [signal([5.0, 1.0])] * 2)
    config["datasets"]["search"]["workspace"]["measurement"] = "foo"
    _, lines = run(capsys, config)
    problem = "the workspace has no measurement 'foo', only 'measurement'"
    assert lines[0] == f"error search (all 2 signals): BkgOnly.json: {problem}"


def test_histograms_and_simulated_data(folder, capsys, default_config):
    config = {
        "datasets": {"counts": HISTOGRAMS, "drawn": default_config["datasets"]["original"]},
        "models": {"simple": MODEL, **default_config["models"]},
        "analyses": {
            "counts": {"dataset": "counts", "model": "simple"},
            "drawn": {"dataset": "drawn", "model": "floating"},
        },
    }
    code, lines = run(capsys, config)
    assert (code, lines) == (0, ["No problems: 2 analyses, 2 signals, 1 channel, 1 to 20 bins, 1 to 22 parameters."])
    config["datasets"]["counts"]["histograms"]["counts"]["SR"]["observed"] = [52, 3]
    code, lines = run(capsys, config)
    assert code == 1
    assert lines[0].startswith("error counts: data set 'counts': channel 'SR': templates of different lengths")


def test_the_interpolation_of_the_analysis_is_used(folder, monkeypatch):
    seen = []
    original = sources.compile_workspace
    monkeypatch.setattr(sources, "compile_workspace", lambda spec, codes, cache: seen.append(codes) or original(spec))
    config = single(first=SOUND)
    config["analyses"]["first"]["interpolation"] = {"normsys": "code1"}
    check.check(complete(config), {})
    assert seen == [{"normsys": "code1", "histosys": "code4p"}]


def test_a_patch_set(folder, capsys):
    simulate_grid.main(["--output", "grid"])
    files = {"file": "grid/BkgOnly.json", "patchset": "grid/patchset.json"}
    code, lines = run(capsys, {"datasets": {"g": {"workspace": files}}, "analyses": {"g": {"dataset": "g"}}})
    assert (code, len(lines)) == (0, 1)
    assert lines[0].startswith("No problems: 1 analysis, 49 signals, ")
    with open("grid/patchset.json", encoding="utf-8") as file:
        patchset = json.load(file)
    patchset["patches"][3]["metadata"]["values"].append(1)
    name = patchset["patches"][3]["metadata"]["name"]
    write_json("grid/patchset.json", patchset)
    code, lines = run(capsys, {"datasets": {"g": {"workspace": files}}, "analyses": {"g": {"dataset": "g"}}})
    assert code == 1
    assert f"error g / {name}: " in lines[0]


def test_problems_of_the_configuration_itself(folder, capsys):
    config = single(first=SOUND)
    config["analyses"]["first"]["dataset"] = "fist"
    with open("mine.yaml", "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    assert check.main(["--configfiles", "mine.yaml"]) == 1
    said = capsys.readouterr().err
    assert "mine.yaml cannot be used" in said
    assert "did you mean 'first'?" in said


@pytest.mark.parametrize("text", ["datasets: [", "- 1", None], ids=["cut", "a list", "missing"])
def test_files_that_are_no_configuration(folder, capsys, text):
    if text is not None:
        with open("mine.yaml", "w", encoding="utf-8") as file:
            file.write(text)
    assert check.main(["--configfiles", "mine.yaml"]) == 1
    assert "mine.yaml cannot be used" in capsys.readouterr().err


def test_as_a_command(folder):
    config = single(broken=BROKEN)
    with open("mine.yaml", "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    command = [sys.executable, str(REPO / "scripts" / "muscan"), "check", "--configfiles", "mine.yaml"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1
    assert "error broken: " in result.stdout
    assert result.stderr == ""


def test_published_signals_without_errors(folder, capsys, data):
    files = {
        "file": str(data / "1Lbb" / "BkgOnly.json.gz"),
        "patchset": str(data / "1Lbb" / "patchset.json.gz"),
        "signals": "C1N2_Wh_hbb_*_0",
    }
    code, lines = run(capsys, {"datasets": {"d": {"workspace": files}}, "analyses": {"d": {"dataset": "d"}}})
    assert code == 0
    assert "8 channels, 14 bins, 126 parameters" in lines[-1]
    assert len(lines) < 15
