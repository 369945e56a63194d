"""Records are read from files that hold them; any other file is named with what shows that it is another one."""

import json

import pytest

from muscan.base.errors import LONGEST_REASON, StepError, WrongFileError
from muscan.records.limits import Limits
from muscan.records.manifest import Manifest
from muscan.records.toys import ToyPlan
from muscan.results.tables import limits_row

MANIFEST = {"versions": {}, "config": {}, "problems": [], "inputs": [], "results": []}
PLAN = {"test_statistic": "q", "confidence_level": 0.9, "seed": 1, "block": 2, "max_failed_fraction": 0.1}
PLAN |= {"target": None, "max": None, "asymptotics": {}}


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(content))
        return path

    return write


def test_a_record_is_read(file):
    assert Manifest.read(file(MANIFEST)).to_json() == MANIFEST
    plan = ToyPlan.read(file(PLAN | {"points": [{"mu": 1.0, "status": "ok"}]}))
    assert (plan.points[0].mu, plan.points[0].signal) == (1.0, [])


@pytest.mark.parametrize(
    ("kind", "content", "problem"),
    [
        (Manifest, [1], " is not a manifest: it is not a JSON object"),
        (Manifest, {k: v for k, v in MANIFEST.items() if k != "inputs"}, " is not a manifest: it lacks 'inputs'"),
        (Manifest, MANIFEST | {"more": 1}, " is not a manifest: it has the unknown key 'more'"),
        (Limits, {}, " is not a limits.json: it lacks 'calculator', 'test_statistic', 'confidence_level', ..."),
        (ToyPlan, PLAN | {"points": [{"mu": 1}]}, ": this is not a point of a plan of toys: it lacks 'status'"),
    ],
)
def test_another_file_is_named(file, kind, content, problem):
    path = file(content)
    with pytest.raises(WrongFileError) as error:
        kind.read(path)
    assert str(error.value).startswith(f"{path}{problem}")


def test_the_failure_of_an_earlier_step_is_passed_on(file):
    with pytest.raises(StepError, match=r"^no patch$"):
        Limits.read(file({"status": "failed", "reason": "no patch"}))


def test_a_reason_of_any_length_fits_into_a_table():
    limits = Limits.from_failure("x" * 300_000, 0.95, calculator="asymptotics", test_statistic="qtilde")
    assert limits_row("a", "s", limits, {})["reason"] == "x" * LONGEST_REASON + "..."
