"""Every proposal is used, documented and tested."""

import importlib
import inspect
from pathlib import Path

import pytest

import muscan.inference.proposals
from helpers.workspaces import SMALL, engine_of
from muscan.inference.proposals import defaults
from muscan.inference.proposals.proposal import Known, Proposal

FOLDER = Path(muscan.inference.proposals.__file__).parent
FILES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "defaults", "proposal"))


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_one_proposal_and_a_test(name):
    module = importlib.import_module(f"muscan.inference.proposals.{name}")
    (kind,) = (
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Proposal) and each.__module__ == module.__name__
    )
    assert kind in defaults.NEWTON
    assert module.__doc__
    assert kind.__doc__
    assert (Path(__file__).parent / f"test_{name}.py").exists()


def test_each_is_named_once():
    assert len(set(defaults.NEWTON)) == len(defaults.NEWTON) == len(FILES)
    assert set(defaults.PYHF) < set(defaults.NEWTON)


@pytest.mark.parametrize("kind", defaults.NEWTON)
def test_starting_points_belong_to_known_fits_and_change_nothing(kind):
    engine = engine_of(SMALL["every modifier"])
    data = engine.model.data[:, None].repeat(3, axis=1)
    fits = engine.fit(data, [engine.model.initial])
    before = [each.copy() for each in fits]
    further = kind(engine.likelihood).starts(Known(fits, data))
    assert set(further.fit.tolist()) <= {0, 1, 2}
    for start in further.starts:
        assert start.shape in ((len(engine.model.names), len(further.fit)), (len(engine.model.names),))
    for old, new in zip(before, fits, strict=True):
        assert (old == new).all()
