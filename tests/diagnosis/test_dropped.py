"""Uncertainties that a workspace gives and HistFactory drops: that they are said, and what to write instead."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from helpers.judge import limits_of
from helpers.workspaces import MU, counting, referee, workspace
from muscan.base.files import read_json
from muscan.diagnosis.diagnose import diagnose
from muscan.diagnosis.findings import DOUBT, UNTIDY
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.model import DroppedUncertainties, from_npz, model_digest, to_npz


def found(spec: dict, kind: str = "dropped-uncertainty") -> list:
    """Findings of a kind, those of the signal included."""
    return [each for each in diagnose(compile_workspace(spec)) if each.kind.startswith(kind)]


def moved(spec: dict, sample: int, bin_: int, high: float, low: float) -> dict:
    """A workspace whose sample has the uncertainty of a bin as a histosys of its own."""
    spec = copy.deepcopy(spec)
    template = spec["channels"][0]["samples"][sample]
    template["modifiers"][-1]["data"][bin_] = 0.0
    data = {key: template["data"].copy() for key in ("hi_data", "lo_data")}
    data["hi_data"][bin_], data["lo_data"][bin_] = high, low
    template["modifiers"].append({"name": "moved", "type": "histosys", "data": data})
    return spec


def test_interference(field, tmp_path):
    """What the finding advises gives the limit that follows with the uncertainty; the first number is also pyhf's."""
    spec = read_json(field / "staterror-on-negative-yield.json")
    (finding,) = found(spec)
    assert finding.weight == DOUBT
    assert finding.where == "signal, staterror 'mc_sig', channel 'SR', bin 1"
    assert "the uncertainty 32 of the -80 events of 'sig' is dropped" in finding.message
    assert "a histosys of its own, with hi_data -48 and lo_data -112 in this bin" in finding.advice
    assert limits_of(tmp_path / "dropped", spec).limits["observed_limit"] == pytest.approx(0.5071, abs=5e-5)
    mended = moved(spec, 0, 0, -48.0, -112.0)
    assert found(mended) == []
    assert limits_of(tmp_path / "kept", mended).limits["observed_limit"] == pytest.approx(0.7714, abs=5e-5)


def test_negative_yields_are_not_to_be_set_to_zero(field):
    (finding,) = found(read_json(field / "staterror-on-negative-yield.json"), "negative-yields")
    assert "interference" in finding.advice
    assert "set them to zero" not in str(finding)


@pytest.mark.parametrize(("file", "name"), [("mc0_stat", "staterror 'mc'"), ("mc0_shapesys", "shapesys 'u'")])
def test_a_bin_without_simulated_events(field, file, name):
    (finding,) = found(read_json(field / f"{file}.json"))
    assert finding.weight == DOUBT
    assert finding.where == f"{name}, channel 'SR', bin 3"
    assert "the uncertainty 0.8 of the 0 events of 'bkg'" in finding.message
    assert "hi_data 0.8 and lo_data 0" in finding.advice


class ByHand:
    """The workspace mc0_stat with background in the third bin that is positive, measured to be 0 +- 0.8."""

    SIGNAL, WIDTHS = np.array([2.0, 3.0, 3.0]), np.array([3 / 20, 1.5 / 5, 0.8])

    def __init__(self, counts: list[float], measured: np.ndarray):
        self.counts, self.measured = np.asarray(counts), measured

    def deviance(self, values: np.ndarray, mu: float) -> float:
        expected = np.maximum(mu * self.SIGNAL + self.backgrounds(values), 1e-12)
        pulls = (values - self.measured) / self.WIDTHS
        return 2 * (expected - self.counts * np.log(expected)).sum() + (pulls**2).sum()

    @staticmethod
    def backgrounds(values: np.ndarray) -> np.ndarray:
        return values * np.array([20.0, 5.0, 1.0])

    def fit(self, mu: float | None):
        """The minimum with mu held, or free and not negative."""
        bounds = [(1e-6, 5.0), (1e-6, 5.0), (0.0, 20.0), (0.0, 20.0) if mu is None else (mu, mu)]
        starts = ([1.0, 1.0, events, 0.5 if mu is None else mu] for events in (0.01, 1.0))
        tight = {"ftol": 1e-14, "gtol": 1e-9}
        fits = [minimize(lambda x: self.deviance(x[:3], x[3]), x, bounds=bounds, options=tight) for x in starts]
        return min(fits, key=lambda each: each.fun)

    def cls(self, mu: float) -> tuple[float, float]:
        """CLs of the data and its median for background, arXiv:1007.1727."""
        null = self.fit(0.0).x[:3]
        asimov = ByHand(self.backgrounds(null), null)
        best, q_asimov = self.fit(None), asimov.fit(mu).fun - asimov.fit(None).fun
        q, root = max(self.fit(mu).fun - best.fun, 0.0), np.sqrt(q_asimov)
        far = (q + q_asimov) / (2 * root) if q > q_asimov else np.sqrt(q)
        return norm.sf(far) / norm.sf(far - root), 2 * norm.sf(root)


@pytest.mark.parametrize("observed", [0.0, 2.0])
def test_an_uncertainty_of_a_bin_without_simulated_events_is_kept_by_a_histosys(field, tmp_path, observed):
    spec = read_json(field / "mc0_stat.json")
    spec["observations"][0]["data"][2] = observed
    mended = moved(spec, 1, 2, 0.8, 0.0)
    linear = limits_of(tmp_path / "linear", mended, "--histosys", "code0").limits
    by_hand = ByHand([21.0, 6.0, observed], np.array([1.0, 1.0, 0.0]))
    assert by_hand.cls(linear["observed_limit"])[0] == pytest.approx(0.05, abs=2e-5)
    assert by_hand.cls(linear["expected_limit"][2])[1] == pytest.approx(0.05, abs=2e-5)
    smooth = limits_of(tmp_path / "smooth", mended).limits
    assert smooth["observed_limit"] == pytest.approx(linear["observed_limit"], rel=0.02)
    assert smooth["expected_limit"][2] == pytest.approx(linear["expected_limit"][2], rel=0.02)


def test_dropped_is_what_pyhf_holds_fixed():
    """Samples that share a staterror, negative or not; what is zero is not dropped."""
    rng = np.random.default_rng(5)
    number = 0
    for _ in range(40):
        one, two, signal = rng.choice([-6.0, -1.0, 0.0, 2.0, 6.0, 9.0], (3, 3))
        errors = rng.choice([0.0, 0.5, 2.0], (3, 3))
        shared = [[("mc", "staterror", each.tolist())] for each in errors[:2]]
        samples = {
            "one": (one.tolist(), shared[0]),
            "two": (two.tolist(), shared[1]),
            "signal": (signal.tolist(), [MU, ("own", "shapesys", errors[2].tolist())]),
        }
        spec = workspace({"SR": ([9.0] * 3, samples)})
        model, _ = referee(spec)
        held = dict(zip(model.config.par_names, model.config.suggested_fixed(), strict=True))
        expected = {(s, b, f"mc[{b}]", errors[i, b]) for i, s in enumerate(("one", "two")) for b in range(3)}
        expected |= {("signal", b, f"own[{b}]", errors[2, b]) for b in range(3)}
        expected = {each for each in expected if held[each[2]] and each[3]}
        ours = compile_workspace(spec)
        table = zip(*(column.tolist() for column in ours.dropped), strict=True)
        assert {(ours.samples[s], b, ours.names[p], size) for s, b, p, size in table} == expected
        number += len(expected)
    assert number > 30


def test_the_sum_decides_and_is_named():
    samples = {
        "signal": ([5.0], [MU]),
        "one": ([5.0], [("mc", "staterror", [2.0])]),
        "two": ([-6.0], [("mc", "staterror", [3.0])]),
        "rest": ([50.0], []),
    }
    (finding,) = found(workspace({"SR": ([50.0], samples)}))
    assert finding.where == "uncertainties of 2 bins"
    for words in (
        "the sum of the samples",
        "3 of the -6 events of 'two'",
        "2 of the 5 events of 'one'",
        "the only bin",
    ):
        assert words in finding.message


@pytest.mark.parametrize(
    ("background", "observed", "size", "weight"),
    [(1000.0, 1000.0, 2.0, UNTIDY), (1000.0, 1000.0, 20.0, DOUBT), (0.5, 1.0, 0.09, UNTIDY), (0.5, 1.0, 0.3, DOUBT)],
)
def test_it_weighs_as_much_as_it_could_change(background, observed, size, weight):
    """Against the statistical uncertainty of the bin, whatever the signal is scaled to."""
    for scale in (1e-3, 1.0, 1e3):
        samples = {
            "signal": ([5.0 * scale], [MU]),
            "background": ([background], []),
            "interference": ([-0.1], [("mc", "staterror", [size])]),
        }
        assert [each.weight for each in found(workspace({"SR": ([observed], samples)}))] == [weight]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_of_a_signal_counts_what_it_has_at_the_limit(scale):
    samples = {
        "signal": ([9.0 * scale, -4.0 * scale], [MU, ("mc", "staterror", [0.0, 2.0 * scale])]),
        "background": ([9.0, 9.0], []),
    }
    (finding,) = found(workspace({"SR": ([9.0, 9.0], samples)}))
    assert finding.weight == DOUBT


@pytest.mark.parametrize("kind", ["staterror", "shapesys"])
def test_a_small_yield_does_not_hold_a_large_uncertainty(kind):
    """pyhf's bounds let the factor reach 10: 0.1 events, where 0.8 are one standard deviation."""
    spec = counting([5.0, 2.0], [2.0, 3.0], [5.0, 0.01], ("mc", kind, [1.0, 0.8]))
    model, _ = referee(spec)
    assert max(model.config.suggested_bounds()[model.config.par_slice("mc")][1]) * 0.01 < 0.8
    (finding,) = found(spec, "cut-uncertainty")
    assert (finding.weight, finding.where) == (DOUBT, "factor 'mc[1]'")
    assert found(spec) == found(counting([5.0], [2.0], [5.0], ("mc", kind, [4.0])), "cut-uncertainty") == []


def test_toys_do_not_depend_on_what_has_no_effect(field, tmp_path):
    """The digest of a model is a part of their seeds."""
    model = compile_workspace(read_json(field / "mc0_stat.json"))
    assert len(model.dropped.size) == 1
    nothing = DroppedUncertainties(*(column[:0] for column in model.dropped))
    assert model_digest(replace(model, dropped=nothing)) == model_digest(model)
    (tmp_path / "model.npz").write_bytes(to_npz(model))
    np.testing.assert_array_equal(from_npz(tmp_path / "model.npz").dropped, model.dropped)


def test_negative_uncertainties_are_told():
    """pyhf fixes the parameters of a shapesys that they belong to; of a staterror it takes the squares."""
    sizes = [-6.0, 8.0]
    spec = counting([57.0, 84.0], [3.0, 2.0], [60.0, 80.0], ("u", "shapesys", sizes))
    (finding,) = found(spec, "negative-uncertainty")
    assert finding.weight == DOUBT
    assert "shapesys 'u', channel 'channel', bin 1: -6 of the 60 events of 'background'" in finding.message
    config = referee(spec)[0].config
    assert config.suggested_fixed()[config.par_slice("u")] == [True, False]
    assert not found(counting([57.0, 84.0], [3.0, 2.0], [60.0, 80.0], ("u", "staterror", sizes)), "negative")
