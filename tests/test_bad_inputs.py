"""Bad inputs: each is named in words, and none of them stops a good analysis, runs a command or writes elsewhere."""

import json
from pathlib import Path

import pytest

import bad_inputs
import check_published
import patch_workspace
import read_histograms
import scan_signals
import tables
from bad_inputs import EVERY_MODIFIER, Bad
from records import Limits

MU = ["0.5", "1", "3", "8", "20"]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    patch_workspace._published.cache_clear()
    return tmp_path


def scan(*source: str, signals: tuple[str, ...] = ("signal",)) -> dict[str, tuple[str, str]]:
    """All steps of some signals: {signal: (status, reason)} as they stand in the tables."""
    scan_signals.main([*source, "--mu", *MU, "--poi-bound", "20", "--folder", "results/a", "--signals", *signals])
    found = {}
    for signal in signals:
        record = json.loads(Path("results/a", signal, "asymptotics", "limits.json").read_text())
        limits = Limits.from_json(record)
        found[signal] = tables.status(limits), tables.reason(limits)
    return found


def published(workspace: str, patchset: str | None = None, **options) -> dict[str, tuple[str, str]]:
    files = ["--workspace", workspace, *(["--patchset", patchset] if patchset else [])]
    check_published.main([*files, "--output", "checked.json"])
    more = [word for name, value in options.items() if name != "signals" for word in (f"--{name}", value)]
    return scan(*files, *more, "--checked", "checked.json", signals=options.get("signals", ("signal",)))


def binned(spec: dict, model: dict) -> tuple[str, str]:
    read_histograms.main(["--spec", json.dumps(spec), "--output", "histograms.csv"])
    return scan("--histograms", "histograms.csv", "--model", json.dumps(model))["signal"]


def assert_named(outcome: tuple[str, str], words: tuple[str, ...]) -> None:
    """A failure in one short line that has all the words."""
    status, reason = outcome
    assert status == "fit_failed"
    for word in words:
        assert word in reason
    assert "\n" not in reason
    assert len(reason) < 600


def cases(*collections: dict) -> list:
    return [pytest.param(bad, id=name) for each in collections for name, bad in each.items()]


class TestWorkspaces:
    @pytest.mark.parametrize("bad", cases(bad_inputs.WORKSPACES))
    def test_as_a_file(self, here, bad):
        bad.write(here / "wrong.json")
        assert_named(published("wrong.json")["signal"], bad.words)

    @pytest.mark.parametrize("bad", cases(bad_inputs.TEXTS))
    def test_that_are_not_json(self, here, bad):
        bad.write(here / "wrong.json")
        assert_named(published("wrong.json")["signal"], ("wrong.json", *bad.words))

    def test_the_good_one_is_good(self, here):
        Bad(EVERY_MODIFIER, ()).write(here / "good.json")
        assert published("good.json")["signal"] == ("ok", "")
