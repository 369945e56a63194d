"""Parameters by the names and patterns of a configuration."""

import pytest

from helpers.workspaces import counting
from muscan.base.errors import InputError
from muscan.histfactory.compile import compile_workspace
from muscan.inference.parameter_names import find_parameter, matching

NAMES = ["mu", "JET_1", "JET_10", "stat[0]", "stat[1]", "a.b", "MET"]


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["JET_*"], ["JET_1", "JET_10"]),
        (["JET_?"], ["JET_1"]),
        (["stat"], ["stat[0]", "stat[1]"]),
        (["stat[1]"], ["stat[1]"]),
        (["s*"], ["stat[0]", "stat[1]"]),
        (["a?b", "MET"], ["a.b", "MET"]),
        (["a.b"], ["a.b"]),
        (["J.*"], []),
        ([], []),
        (["*"], NAMES),
    ],
)
def test_patterns(patterns, found):
    """Only * and ? are special; a dot or a bracket is itself."""
    assert [NAMES[i] for i in matching(NAMES, patterns)] == found


def model(poi: str = "mu_SIG"):
    spec = counting([5.0, 6.0], [1.0, 1.0], [5.0, 5.0], ("stat", "shapesys", [1.0, 1.0]))
    spec["channels"][0]["samples"][0]["modifiers"][0]["name"] = poi
    spec["measurements"][0]["config"]["poi"] = poi
    return compile_workspace(spec)


def test_mu_is_the_parameter_of_interest_whatever_its_name():
    assert find_parameter(model(), "mu") == find_parameter(model(), "mu_SIG") == model().poi
    assert model().names[find_parameter(model(), "stat[1]")] == "stat[1]"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mu_SG", "no parameter 'mu_SG'; did you mean 'mu_SIG'?"),
        ("stat", "the parameter 'stat' has 2 entries: choose one from stat[0] to stat[1]"),
    ],
)
def test_an_unknown_name_is_explained(name, message):
    with pytest.raises(InputError) as error:
        find_parameter(model(), name)
    assert message in str(error.value)
