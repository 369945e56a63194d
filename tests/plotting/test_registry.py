"""A picture of a scan is one file and its name."""

from dataclasses import fields
from importlib import import_module

import pytest
import yaml
from matplotlib.figure import Figure

from muscan.base.errors import StepError
from muscan.base.versions import ROOT
from muscan.config.settings import FOLDER_PLOTS
from muscan.plotting import style
from muscan.plotting.registry import READS, ScanFiles


def test_the_configuration_knows_the_same_pictures():
    schema = yaml.safe_load((ROOT / "config" / "config.schema.yaml").read_text(encoding="utf-8"))
    known = schema["$defs"]["scan"]["properties"]["plots"]["items"]["enum"]
    assert sorted(known) == sorted(READS)


@pytest.mark.parametrize("plot", READS)
def test_each_has_a_module_and_reads_results(plot):
    module = import_module(f"muscan.plotting.{plot}")
    assert hasattr(module, "pictures") == (plot in FOLDER_PLOTS)
    assert hasattr(module, "picture") == (plot not in FOLDER_PLOTS)
    assert set(READS[plot]) <= {each.name for each in fields(ScanFiles)}


class TestFolders:
    @pytest.fixture
    def said(self, monkeypatch) -> list[tuple[str, str]]:
        texts: list[tuple[str, str]] = []
        monkeypatch.setattr(style, "placeholder", lambda *words: texts.append(words) or Figure())
        return texts

    def names(self, folder) -> list[str]:
        return sorted(path.name for path in folder.iterdir())

    def test_pictures_have_their_names(self, tmp_path, said):
        style.save_folder(tmp_path / "f", [("a.5", Figure())], "t", "none", "Nothing.")
        assert self.names(tmp_path / "f") == ["a.5.pdf", "a.5.png"]
        assert not said

    def test_without_pictures_one_says_so(self, tmp_path, said):
        style.save_folder(tmp_path / "f", [], "t", "none", "Nothing.")
        assert self.names(tmp_path / "f") == ["none.pdf", "none.png"]
        assert said == [("Nothing.", "t")]

    def test_if_one_cannot_be_drawn_none_stays(self, tmp_path, said):
        def pictures():
            yield "first", Figure()
            raise StepError("wrong edges")

        style.save_folder(tmp_path / "f", pictures(), "t", "failed", "Nothing.")
        assert self.names(tmp_path / "f") == ["failed.pdf", "failed.png"]
        assert said == [("wrong edges", "t")]
