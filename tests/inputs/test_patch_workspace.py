"""Workspaces from published ones and patches, against pyhf's own way to apply them."""

import copy
import gzip
import json

import jsonpatch
import pyhf
import pytest
from hypothesis import given
from hypothesis import strategies as st

import check_published
import patch_workspace
from helpers.steps import run_step
from muscan.base.errors import InputError
from muscan.base.json_input import read_json
from muscan.inputs.patches import apply_from_patchset, apply_patch, select_measurement
from muscan.inputs.published import check_patchset, check_workspace

WORKSPACE = {
    "version": "1.0.0",
    "channels": [{"name": "SR", "samples": [{"name": "background", "data": [5.0], "modifiers": []}]}],
    "observations": [{"name": "SR", "data": [6.0]}],
    "measurements": [
        {"name": "first", "config": {"poi": "mu", "parameters": []}},
        {"name": "second", "config": {"poi": "mu", "parameters": [{"name": "mu", "bounds": [[0, 3]]}]}},
    ],
}
SIGNAL = {"name": "signal", "data": [2.0], "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]}
PATCH = [{"op": "add", "path": "/channels/0/samples/0", "value": SIGNAL}]
LOST_PATCH = [{"op": "add", "path": "/channels/7/samples/0", "value": SIGNAL}]


def patchset(*patches: tuple[str, list], workspace: dict = WORKSPACE) -> dict:
    return {
        "version": "1.0.0",
        "metadata": {
            "references": {"hepdata": "ins1234567"},
            "description": "a test",
            "digests": {"sha256": pyhf.utils.digest(workspace, algorithm="sha256")},
            "labels": ["mass"],
        },
        "patches": [
            {"metadata": {"name": name, "values": [i]}, "patch": patch} for i, (name, patch) in enumerate(patches)
        ],
    }


def apply(*arguments: str) -> None:
    """What the two rules do: check the files, then make the workspace of a signal."""
    words = dict(zip(arguments[::2], arguments[1::2], strict=True))
    checked = f"{words['--output']}.checked"
    of_check = [word for key in ("--workspace", "--patchset") if key in words for word in (key, words[key])]
    check_published.main([*of_check, "--max-megabytes", "200", "--output", checked])
    run_step(patch_workspace, [*arguments, "--checked", checked])


@pytest.fixture
def run(tmp_path):
    """Run the script on files of the given contents; gives the record that it writes."""

    def run(signal: str | None = None, measurement: str | None = None, **contents) -> dict:
        arguments = ["--output", str(tmp_path / "out.json")]
        for name, content in contents.items():
            file = tmp_path / f"{name}.json"
            file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
            arguments += [f"--{name}", str(file)]
        for name, value in {"signal": signal, "measurement": measurement}.items():
            arguments += [f"--{name}", value] if value else []
        apply(*arguments)
        return json.loads((tmp_path / "out.json").read_text())

    return run


def first_measurement(workspace: dict) -> dict:
    return dict(workspace) | {"measurements": workspace["measurements"][:1]}


# --- Published workspaces


def signals_of_stau() -> list[str]:
    return ["DS_400_40", "DS_440_80", "DS_360_1", "DS_280_120", "DS_240_160"]


@pytest.mark.parametrize("signal", signals_of_stau())
def test_patch_set_of_a_published_analysis(data, tmp_path, signal):
    folder, output = data / "stau-highmass", tmp_path / "out.json"
    files = ["--workspace", str(folder / "BkgOnly.json.gz"), "--patchset", str(folder / "patchset.json")]
    apply(*files, "--signal", signal, "--output", str(output))
    theirs = pyhf.PatchSet(read_json(folder / "patchset.json")).apply(read_json(folder / "BkgOnly.json.gz"), signal)
    assert json.loads(output.read_text()) == first_measurement(theirs)


def test_loose_patches_of_a_published_analysis(data, tmp_path):
    background = pyhf.Workspace(read_json(data / "sbottom-A" / "BkgOnly.json.gz"))
    for file in sorted((data / "sbottom-A" / "patches").glob("*.json"))[:2]:
        output = tmp_path / file.name
        workspace = str(data / "sbottom-A" / "BkgOnly.json.gz")
        apply("--workspace", workspace, "--patch", str(file), "--output", str(output))
        built = json.loads(output.read_text())
        # pyhf applies loose patches while it makes a model
        theirs = background.model(patches=[json.loads(file.read_text())])
        ours = pyhf.Workspace(built).model()
        assert ours.spec == theirs.spec
        assert ours.config.poi_name == theirs.config.poi_name


def test_digest_of_a_published_patch_set(data):
    workspace, patches = read_json(data / "1Lbb" / "BkgOnly.json.gz"), read_json(data / "1Lbb" / "patchset.json.gz")
    patches["patches"] = [each for each in patches["patches"] if each["metadata"]["name"] == "C1N2_Wh_hbb_1000_0"]
    built = apply_from_patchset(workspace, patches, "C1N2_Wh_hbb_1000_0")
    assert built == dict(pyhf.PatchSet(patches).apply(workspace, "C1N2_Wh_hbb_1000_0"))
    workspace["observations"][0]["data"][0] += 1
    with pytest.raises(InputError, match=r"made for another workspace: .*sha256"):
        check_patchset(patches, workspace)


# --- What works


def test_patch_set_equals_pyhf(run):
    patches = patchset(("a", PATCH), ("b", LOST_PATCH))
    theirs = pyhf.PatchSet(patches).apply(WORKSPACE, "a")
    assert run("a", workspace=WORKSPACE, patchset=patches) == first_measurement(theirs)


def test_loose_patch(run):
    expected = copy.deepcopy(WORKSPACE)
    expected["channels"][0]["samples"].insert(0, SIGNAL)
    assert run(workspace=WORKSPACE, patch=PATCH) == first_measurement(expected)


def test_inputs_stay_as_they_are():
    before = copy.deepcopy(WORKSPACE)
    inside = [{"op": "replace", "path": "/channels/0/samples/0/data/0", "value": 3.0}]
    gone = [{"op": "move", "from": "/measurements/1", "path": "/measurements/0"}]
    patch = copy.deepcopy(PATCH + inside + gone)
    theirs = jsonpatch.JsonPatch(patch).apply(copy.deepcopy(WORKSPACE))
    for _ in range(2):  # nothing leaks into the patch either
        assert apply_patch(WORKSPACE, patch) == apply_from_patchset(WORKSPACE, patchset(("a", patch)), "a") == theirs
    assert before == WORKSPACE


def test_a_workspace_alone(run):
    assert run(workspace=WORKSPACE) == first_measurement(WORKSPACE)


@pytest.mark.parametrize("name", ["first", "second"])
def test_measurement_is_selected(run, name):
    expected = [each for each in WORKSPACE["measurements"] if each["name"] == name]
    assert run(workspace=WORKSPACE, measurement=name) == WORKSPACE | {"measurements": expected}
    assert select_measurement(WORKSPACE, name)["measurements"] == expected


def test_gzipped_files(run):
    plain = run("a", workspace=WORKSPACE, patchset=patchset(("a", PATCH)))
    zipped = {
        "workspace": gzip.compress(json.dumps(WORKSPACE).encode()),
        "patchset": gzip.compress(json.dumps(patchset(("a", PATCH))).encode()),
    }
    assert run("a", **zipped) == plain
    loose = gzip.compress(json.dumps(PATCH).encode())
    assert run(workspace=zipped["workspace"], patch=loose) == plain


# --- What is recorded as the failure of one signal

OTHER = WORKSPACE | {"observations": [{"name": "SR", "data": [7.0]}]}
TWO_VALUES = {"metadata": {"name": "a", "values": [1, 2]}, "patch": PATCH}  # for one label
ZIPPED = gzip.compress(json.dumps(WORKSPACE).encode())


@pytest.mark.parametrize(
    ("files", "culprits"),
    [
        (
            {"workspace": OTHER, "patchset": patchset(("a", PATCH))},
            ["patchset.json: the patch set was made for another workspace", "sha256", "the same HEPData record"],
        ),
        (
            {"workspace": WORKSPACE, "patchset": patchset(("b", PATCH))},
            ["patchset.json, a: the patch set has no patch 'a'"],
        ),
        (
            {"workspace": WORKSPACE, "patchset": patchset(("a", PATCH), ("a", PATCH))},
            ["patchset.json, a: the patch set has two patches 'a'"],
        ),
        (
            {"workspace": WORKSPACE, "patchset": patchset(("a", PATCH)) | {"patches": [TWO_VALUES]}},
            ["patchset.json, a: the patch 'a' has 2 values for the labels "],
        ),
        (
            {"workspace": WORKSPACE, "patchset": patchset(("a", PATCH)) | {"metadata": []}},
            ["patchset.json: the patch set is not valid: metadata: "],
        ),
        (
            {"workspace": WORKSPACE, "patchset": patchset(("a", 3), ("b", PATCH))},
            ["patchset.json, a: the patch is not valid: patches[0].patch (patch 'a'): needs a list, has the number 3"],
        ),
        (
            {"workspace": WORKSPACE, "patchset": patchset(("a", PATCH)) | {"version": "9"}},
            ["patchset.json: the patch set has the unknown version '9'"],
        ),
        (
            {"workspace": WORKSPACE, "patchset": [1]},
            ["patchset.json: not a patch set"],
        ),
        (
            {"workspace": WORKSPACE, "patchset": patchset(("a", LOST_PATCH))},
            ["patchset.json, a: the patch does not apply to the workspace: "],
        ),
        ({"workspace": WORKSPACE, "patch": LOST_PATCH}, ["patch.json: the patch does not apply to the workspace: "]),
        (
            {"workspace": WORKSPACE, "patch": WORKSPACE},  # BkgOnly.json in the folder of the patches
            ["patch.json: the patch does not apply to the workspace: "],
        ),
        ({"workspace": b'{"channels": ['}, ["workspace.json: not JSON: Expecting value: line 1 column 15"]),
        ({"workspace": WORKSPACE, "patch": b"[{]"}, ["patch.json: not JSON: "]),
        ({"workspace": WORKSPACE, "patchset": b""}, ["patchset.json: not JSON: "]),
        ({"workspace": ZIPPED[:-20]}, ["workspace.json: not JSON: Compressed file ended"]),
        ({"workspace": b"\xff\xfe\x00\x01"}, ["workspace.json: not JSON: "]),
        ({"workspace": [1, 2]}, ["workspace.json: not a valid pyhf workspace: top level: "]),
        ({"workspace": {"channels": []}}, ["workspace.json: not a valid pyhf workspace: "]),
        (
            {"workspace": WORKSPACE | {"channels": [{"name": "SR", "samples": [SIGNAL | {"data": [float("nan")]}]}]}},
            ["workspace.json: /channels/0/samples/0/data/0 is not a finite number"],
        ),
        ({"workspace": WORKSPACE | {"measurements": []}}, ["workspace.json: ", "measurements"]),
        (
            {"workspace": WORKSPACE, "measurement": "third"},
            ["workspace.json: the workspace has no measurement 'third', only 'first', 'second'"],
        ),
    ],
)
def test_failure_is_recorded_with_its_culprit(run, files, culprits):
    record = run("a", **files)
    assert record.keys() == {"status", "reason"}
    assert record["status"] == "failed"
    assert "\n" not in record["reason"]
    for culprit in culprits:
        assert culprit in record["reason"]


def test_missing_file_is_recorded(tmp_path):
    apply("--workspace", str(tmp_path / "none.json"), "--output", str(tmp_path / "out.json"))
    record = json.loads((tmp_path / "out.json").read_text())
    assert record == {"status": "failed", "reason": f"{tmp_path / 'none.json'}: no such file"}


def test_message_about_a_big_workspace_is_short():
    big = WORKSPACE | {"channels": [{"name": "SR", "samples": "x" * 10**6}]}
    with pytest.raises(InputError) as error:
        check_workspace(big)
    assert str(error.value).startswith("not a valid pyhf workspace: channels[0].samples (channel 'SR'): needs a list, ")
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ({"op": "add", "path": "/nope/1", "value": 3}, "add '/nope/1': there is no 'nope' at the top level"),
        (
            {"op": "add", "path": "/channels/0/nope/0", "value": 3},
            "add '/channels/0/nope/0': there is no 'nope' at '/channels/0'",
        ),
        ({"op": "replace", "path": "/channels/7", "value": 3}, "replace '/channels/7': there is no '7' at '/channels'"),
        ({"op": "remove", "path": "/nope"}, "remove '/nope': there is no 'nope' at the top level"),
        ({"op": "test", "path": "/nope", "value": 3}, "test '/nope': there is no 'nope' at the top level"),
        (
            {"op": "copy", "from": "/channels/0/x", "path": "/y"},
            "copy '/channels/0/x' '/y': there is no 'x' at '/channels/0'",
        ),
        ({"op": "test", "path": "/version", "value": "9"}, "test '/version': the value there is not the text '9'"),
    ],
)
def test_a_patch_that_does_not_apply_says_what_is_missing(operation, reason):
    """Without the workspace, which can have megabytes."""
    with pytest.raises(InputError) as error:
        apply_patch(WORKSPACE, [operation])
    assert str(error.value) == f"the patch does not apply to the workspace: [0] {reason}"


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "/channels/0", "add", "test"])),
    lambda each: st.one_of(st.lists(each, max_size=3), st.dictionaries(st.text(max_size=2), each, max_size=3)),
    max_leaves=8,
)
PATHS = st.sampled_from(["", "/", "/channels", "/channels/0/samples/-", "/channels/x", "/version/0", "~2", "no"])
OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "no", None, 3]),
        "path": st.one_of(PATHS, JSON),
        "from": PATHS,
        "value": JSON,
    },
)


@given(patch=st.one_of(JSON, st.lists(OPERATIONS, max_size=3)))
def test_any_patch_applies_or_is_refused(patch):
    try:
        check_workspace(apply_patch(WORKSPACE, patch))
    except InputError as error:
        assert "the patch does not apply" in str(error) or "not a valid pyhf workspace" in str(error)  # noqa: PT017


def test_a_patch_that_is_not_valid_is_a_problem_of_its_signal_alone(run):
    others = patchset(("a", PATCH), ("b c", PATCH), ("d", [{"op": "ad"}]))
    assert run("a", workspace=WORKSPACE, patchset=others) == run(
        "a", workspace=WORKSPACE, patchset=patchset(("a", PATCH))
    )
    for name, problem in (("b c", "letters, digits and _ only, has the text 'b c'"), ("d", "patches[2].patch[0]")):
        record = run(name, workspace=WORKSPACE, patchset=others)
        assert record["status"] == "failed"
        assert f"patchset.json, {name}: the patch is not valid: " in record["reason"]
        assert problem in record["reason"]
