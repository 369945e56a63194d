"""Data sets that cannot be read are found before any job starts, and files that have not changed are read once."""

import pytest

from helpers.workflow import clone, snakemake, write_config
from muscan.config.schema import complete
from muscan.inputs import sources
from muscan.run import look_ahead

GOOD = "bin_low,bin_high,signal,background,observed\n0,1,5,20,22\n"
MODEL = {
    "samples": {
        "signal": [{"name": "mu", "type": "normfactor"}],
        "background": [{"name": "norm", "type": "normsys", "up": 1.1, "down": 0.9}],
    }
}


def configuration(*names: str, **analysis) -> dict:
    return {
        "datasets": {name: {"histograms": {"csv": f"{name}.csv"}} for name in names},
        "models": {"m": MODEL},
        "analyses": {name: {"dataset": name, "model": "m", **analysis} for name in names},
    }


def complete_configuration(*names: str, **analysis) -> dict:
    return complete(configuration(*names, **analysis))


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "bad.csv").write_text(GOOD.replace("22", "twenty"))
    return tmp_path


def test_only_the_bad_one_is_named(files):
    assert look_ahead.unreadable_datasets(complete_configuration("good", "bad")) == {
        "bad": "data set 'bad': bad.csv, line 2, column observed: 'twenty' is not a finite number"
    }


def test_a_blind_analysis_does_not_read_what_is_wrong(files):
    assert look_ahead.unreadable_datasets(complete_configuration("bad", blind=True)) == {}


def test_new_files_are_read_in_another_process(files, monkeypatch):
    config = complete_configuration("good", "bad")
    look_ahead.read_new_datasets(config)
    monkeypatch.setattr(sources.Sources, "read", None)  # would fail here
    assert list(look_ahead.unreadable_datasets(config)) == ["bad"]
    monkeypatch.setattr(look_ahead, "SCRIPTS", files / "nowhere")
    look_ahead.read_new_datasets(config)  # nothing is new
    (files / "bad.csv").write_text(GOOD)
    look_ahead.read_new_datasets(config)  # and a failure there is left to this process
    monkeypatch.undo()
    monkeypatch.chdir(files)
    assert look_ahead.unreadable_datasets(config) == {}


def test_files_are_read_again_only_if_they_change(files, monkeypatch):
    config = complete_configuration("good", "bad")
    first = look_ahead.unreadable_datasets(config)
    read = []
    original = sources.Sources.read
    monkeypatch.setattr(
        sources.Sources, "read", lambda self, analysis: read.append(analysis) or original(self, analysis)
    )
    assert look_ahead.unreadable_datasets(config) == first
    assert read == []
    (files / "bad.csv").write_text(GOOD)
    assert look_ahead.unreadable_datasets(config) == {}
    assert read == ["bad"]


def test_what_is_remembered_may_be_anything(files):
    look_ahead.CACHE.parent.mkdir(parents=True)
    for content in ("{", "[1, 2]", "3"):
        look_ahead.CACHE.write_text(content)
        assert list(look_ahead.unreadable_datasets(complete_configuration("bad"))) == ["bad"]


def test_nothing_runs_if_no_data_set_can_be_read(tmp_path):
    folder = clone(tmp_path / "run")
    (folder / "bad.csv").write_text("signal;background\n")
    write_config(folder, configuration("bad"))
    result = snakemake(folder, check=False)
    assert result.returncode != 0
    assert "test.yaml cannot be used" in result.stderr
    assert "data set 'bad': bad.csv: the header line lacks the columns bin_low" in result.stderr
    assert not (folder / "results").exists()
