"""What is found in a model before it is fitted: each kind of problem, in a workspace that has it and nothing else."""

import json

import numpy as np
import pyhf
import pytest

import fit
from helpers.steps import run_step
from helpers.workspaces import EVERY_MODIFIER, LUMI, MU, SMALL, counting, engine_of, normsys, referee, workspace
from muscan.base.errors import FitError
from muscan.base.files import read_json, write_bytes
from muscan.diagnosis.diagnose import diagnose
from muscan.histfactory.compile import compile_workspace
from muscan.histfactory.model import to_npz
from muscan.inference.hypotest import hypotest, prepare
from muscan.inputs import patches as patch_workspace


def free(name: str) -> tuple:
    return (name, "normfactor", None)


def varied(up: list, down: list, name: str = "shape") -> tuple:
    return (name, "histosys", {"hi_data": up, "lo_data": down})


def scaled(high: float, low: float, name: str = "scale") -> tuple:
    return (name, "normsys", {"hi": high, "lo": low})


def signal_with(*modifiers: tuple, **options) -> dict:
    """A signal with further modifiers, and a background that is known to 10 %."""
    samples = {"signal": ([5.0, 2.0], [MU, *modifiers]), "background": ([25.0, 60.0], [normsys(0.1)])}
    return workspace({"SR": ([30.0, 60.0], samples)}, **options)


def with_channel(observed: list, *modifiers: tuple, template: list) -> dict:
    """A second channel, which has the background alone."""
    first = ([55.0, 62.0], {"signal": ([10.0, 6.0], [MU]), "background": ([50.0, 52.0], [normsys(0.1)])})
    return workspace({"SR": first, "CR": (observed, {"background": (template, list(modifiers))})})


def setting(name: str, **values) -> dict:
    return {"name": name, **values}


TWO = ([55.0, 62.0], [10.0, 6.0], [50.0, 52.0])  # observed, signal, background
# Name: workspace, severity and kind, and what the finding must name.
FINDINGS = {
    "a signal without events": (
        counting([55.0], [0.0], [50.0], normsys(0.1)),
        ("warning", "empty-signal"),
        ["'mu'", "no events"],
    ),
    "a signal that is switched off": (
        signal_with(free("acceptance"), parameters=(setting("acceptance", inits=[0.0], fixed=True),)),
        ("error", "poi-without-effect"),
        ["'mu'", "held at zero"],
    ),
    "factors that may each empty a template": (
        workspace(
            {
                "SR": (
                    [14.0],
                    {
                        "signal": ([10.0], [MU, ("one", "shapesys", [7.0]), ("two", "staterror", [7.0])]),
                        "background": ([12.0], [normsys(0.1)]),
                    },
                )
            }
        ),
        ("warning", "several-minima"),
        ["'signal'"],
    ),
    "a free parameter without effect": (
        with_channel([0.0], free("nothing"), template=[0.0]),
        None,
        [],
    ),
    "events where nothing is predicted": (
        counting([55.0, 3.0], [10.0, 0.0], [50.0, 0.0], normsys(0.1)),
        ("error", "impossible-bin"),
        ["'channel', bin 2", "3 events", "likelihood is zero"],
    ),
    "events in a channel where nothing is predicted": (
        with_channel([4.0], normsys(0.1), template=[0.0]),
        None,
        [],
    ),
    "events without background": (
        counting([55.0, 3.0], [10.0, 1.0], [50.0, 0.0], normsys(0.1)),
        ("warning", "no-background"),
        ["'channel', bin 2", "3 events", "count as signal"],
    ),
    "an empty bin": (
        counting([55.0, 0.0], [10.0, 0.0], [50.0, 0.0], normsys(0.1)),
        ("warning", "empty-bin"),
        ["'channel', bin 2"],
    ),
    "an empty channel": (with_channel([0.0], normsys(0.1), template=[0.0]), None, []),
    "negative yields": (
        workspace(
            {
                "SR": (
                    [55.0, 62.0],
                    {
                        "signal": ([10.0, 6.0], [MU]),
                        "interference": ([-1.0, 2.0], [normsys(0.1)]),
                        "background": ([50.0, 52.0], []),
                    },
                )
            }
        ),
        ("warning", "negative-yields"),
        ["1 template", "'SR' / 'interference'"],
    ),
    "a template without events": (
        workspace(
            {
                "SR": (
                    [55.0],
                    {"signal": ([10.0], [MU]), "rare": ([0.0], [normsys(0.1)]), "background": ([50.0], [normsys(0.1)])},
                )
            }
        ),
        ("warning", "empty-template"),
        ["1 template", "'SR' / 'rare'"],
    ),
    "normsys, both to one side": (
        counting(*TWO, scaled(1.1, 1.05)),
        ("warning", "same-side"),
        ["normsys 'scale'", "1 template", "'channel' / 'background'"],
    ),
    "normsys, one of two": (counting(*TWO, scaled(1.1, 1.0)), ("warning", "one-sided"), ["normsys 'scale'"]),
    "normsys of the signal": (
        signal_with(scaled(0.8, 0.7, "theory")),
        ("warning", "same-side-of-signal"),
        ["signal, normsys 'theory'", "'SR' / 'signal'"],
    ),
    "normsys above 100 %": (counting(*TWO, scaled(2.5, 0.4)), ("warning", "huge-uncertainty"), ["normsys 'scale'"]),
    "normsys that is nothing, in one of two samples": (
        workspace(
            {
                "SR": (
                    [55.0],
                    {"signal": ([9.0], [MU]), "a": ([20.0], [scaled(1.0, 1.0)]), "b": ([30.0], [scaled(1.1, 0.9)])},
                )
            }
        ),
        ("warning", "zero-uncertainty"),
        ["normsys 'scale'", "'SR' / 'a'"],
    ),
    "histosys, both to one side": (
        counting(*TWO, varied([55.0, 57.0], [53.0, 54.0])),
        ("warning", "same-side"),
        ["histosys 'shape'", "'channel' / 'background'"],
    ),
    "histosys, to one side in each bin, not in their sum": (
        counting(*TWO, varied([55.0, 46.0], [53.0, 49.0])),
        ("warning", "same-side"),
        ["histosys 'shape'"],
    ),
    "histosys, one of two": (
        counting(*TWO, varied([55.0, 46.0], [50.0, 52.0])),
        ("warning", "one-sided"),
        ["histosys 'shape'"],
    ),
    "histosys above 100 %": (
        counting(*TWO, varied([120.0, 110.0], [10.0, 20.0])),
        ("warning", "huge-uncertainty"),
        ["histosys 'shape'"],
    ),
    "histosys that is nothing, in one of two samples": (
        workspace(
            {
                "SR": (
                    [55.0],
                    {
                        "signal": ([9.0], [MU]),
                        "a": ([20.0], [varied([20.0], [20.0])]),
                        "b": ([30.0], [varied([33.0], [28.0])]),
                    },
                )
            }
        ),
        ("warning", "zero-uncertainty"),
        ["histosys 'shape'", "'SR' / 'a'"],
    ),
    "a normsys that does nothing at all": (
        counting(*TWO, scaled(1.0, 1.0)),
        ("warning", "no-effect"),
        ["parameter 'scale'", "limits are not affected"],
    ),
    "a gamma above 100 %": (
        counting(*TWO, ("stat", "staterror", [60.0, 5.0])),
        ("warning", "huge-uncertainty"),
        ["'stat[0]'"],
    ),
    "a shapesys above 100 %": (
        counting(*TWO, ("stat", "shapesys", [5.0, 60.0])),
        ("warning", "huge-uncertainty"),
        ["'stat[1]'"],
    ),
    "a gamma without uncertainty": (
        counting(*TWO, ("stat", "shapesys", [0.0, 5.0])),
        ("warning", "zero-uncertainty"),
        ["'stat[0]'", "held fixed"],
    ),
    "two free normalisations of one background": (
        counting(*TWO, free("first"), free("second")),
        ("warning", "flat"),
        ["'first'", "'second'", "cannot be told apart"],
    ),
    "a background with the shape of the signal": (
        counting([30.0, 60.0], [1.0, 2.0], [10.0, 20.0], free("norm")),
        ("warning", "poi-flat"),
        ["'mu'", "'norm'", "bounds"],
    ),
    "a free background in each bin": (
        counting(*TWO, ("norm", "shapefactor", None)),
        ("warning", "poi-flat"),
        ["'mu'", "'norm[0]'", "'norm[1]'"],
    ),
    "a signal with a free acceptance": (
        signal_with(free("acceptance")),
        ("error", "poi-flat"),
        ["'mu'", "'acceptance'", "no value can be excluded"],
    ),
    "a signal that is free in each bin": (
        signal_with(("acceptance", "shapefactor", None)),
        ("error", "poi-flat"),
        ["'mu'", "'acceptance[0]'", "'acceptance[1]'"],
    ),
    "a free acceptance with a lower bound": (
        signal_with(free("acceptance"), parameters=(setting("acceptance", bounds=[[0.5, 2.0]]),)),
        ("warning", "poi-flat"),
        ["'mu'", "'acceptance'"],
    ),
    "two names of one uncertainty": (
        counting(*TWO, normsys(0.1, "once"), normsys(0.1, "again")),
        ("warning", "same-effect"),
        ["'once'", "'again'"],
    ),
    "a POI that cannot be zero": (
        counting(*TWO, normsys(0.1), parameters=(setting("mu", bounds=[[0.5, 10.0]]),)),
        ("warning", "poi-bounds"),
        ["'mu'", "0.5 to 10"],
    ),
    "an initial value outside of the bounds": (
        counting(*TWO, free("norm"), parameters=(setting("norm", inits=[3.0], bounds=[[0.0, 2.0]]),)),
        ("warning", "initial-value"),
        ["'norm'"],
    ),
    "auxiliary data outside of the bounds": (
        counting(*TWO, normsys(0.1), parameters=(setting("scale", auxdata=[6.0]),)),
        ("warning", "auxiliary-data"),
        ["'scale'"],
    ),
}
SEVERAL = {
    "a free parameter without effect": ["no-effect", "empty-channel", "empty-template"],
    "events in a channel where nothing is predicted": ["impossible-bin", "empty-template"],
    "an empty channel": ["empty-channel", "empty-template"],
}


def found(spec: dict) -> list:
    return diagnose(compile_workspace(spec))


@pytest.mark.parametrize("name", [name for name in FINDINGS if name not in SEVERAL])
def test_a_problem_is_found_alone(name):
    spec, (severity, kind), words = FINDINGS[name]
    (finding,) = found(spec)
    assert (finding.severity, finding.kind) == (severity, kind)
    for word in words:
        assert word in str(finding)


@pytest.mark.parametrize("name", SEVERAL)
def test_problems_that_come_together(name):
    assert [finding.kind for finding in found(FINDINGS[name][0])] == SEVERAL[name]


@pytest.mark.parametrize("name", SMALL)
def test_a_sound_model_has_no_findings(name):
    assert found(SMALL[name]) == []


@pytest.mark.parametrize(
    "spec",
    [
        counting(*TWO, scaled(1.00005, 1.00008)),
        counting(*TWO, varied([50.001, 52.001], [50.002, 52.001])),
        counting(*TWO, scaled(1.002, 1.001)),  # 0.1 of 100 events, where sqrt(100) = 10 is known
        counting(*TWO, varied([55.0, 57.0], [45.0, 52.01])),  # one bin of two
    ],
    ids=["rounding of normsys", "rounding of histosys", "too small to be seen", "mostly on both sides"],
)
def test_what_is_no_finding(spec):
    assert found(spec) == []


def test_rounding_counts_as_no_variation():
    (finding,) = found(counting(*TWO, scaled(1.1, 1.00005)))
    assert finding.kind == "one-sided"


def test_many_modifiers_share_a_finding():
    modifiers = [scaled(1.1 + i / 100, 1.05, f"scale {i}") for i in range(9)]
    (finding,) = found(counting(*TWO, *modifiers))
    assert finding.where == "9 modifiers"
    assert "9 templates" in finding.message
    assert "'scale 0'" in finding.message
    assert "(9 in all)" in finding.message


def test_names_of_any_kind_are_quoted():
    name = "\x1b[31m{}'\n"
    (finding,) = found(counting(*TWO, scaled(1.1, 1.05, name)))
    assert repr(name) in str(finding)
    assert "\x1b" not in str(finding)


class TestFlatDirections:
    """The referee is pyhf: its likelihood does not change on the way that the finding describes."""

    @staticmethod
    def logpdf(spec: dict, **values: float) -> float:
        model, data = referee(spec)
        point = np.array(model.config.suggested_init())
        for name, value in values.items():
            point[model.config.par_slice(name)] = value
        return float(model.logpdf(point, data)[0])

    def test_two_normalisations(self):
        spec = FINDINGS["two free normalisations of one background"][0]
        at = [self.logpdf(spec, mu=0.5, first=1.0, second=1.1), self.logpdf(spec, mu=0.5, first=2.0, second=0.55)]
        assert at[0] == pytest.approx(at[1], abs=1e-10)
        assert abs(at[0] - self.logpdf(spec, mu=0.5, first=2.0, second=1.1)) > 1

    def test_background_like_signal(self):
        spec = FINDINGS["a background with the shape of the signal"][0]
        at = [self.logpdf(spec, mu=1.0, norm=2.0), self.logpdf(spec, mu=11.0, norm=1.0)]
        assert at[0] == pytest.approx(at[1], abs=1e-10)
        assert abs(at[0] - self.logpdf(spec, mu=11.0, norm=2.0)) > 1

    def test_products(self):
        spec = FINDINGS["a signal with a free acceptance"][0]
        at = [self.logpdf(spec, mu=mu, acceptance=0.6 / mu) for mu in (0.1, 1.0, 1000.0)]
        assert at == pytest.approx([at[0]] * 3, abs=1e-10)

    def test_a_product_is_no_problem_where_the_factor_acts_elsewhere(self):
        samples = {"signal": ([5.0, 2.0], [MU, free("acceptance")]), "background": ([25.0, 60.0], [normsys(0.1)])}
        control = {"signal": ([40.0], [free("acceptance")])}
        assert found(workspace({"SR": ([30.0, 60.0], samples), "CR": ([38.0], control)})) == []

    def test_a_direction_at_a_single_point_does_not_count(self):
        """Expected are 10 (mu + norm) and 20 mu norm: at mu = norm = 1, and there alone, both factors do the same."""
        samples = {
            "signal": ([10.0, 0.0], [MU]),
            "background": ([10.0, 0.0], [free("norm")]),
            "interference": ([0.0, 20.0], [MU, free("norm")]),
        }
        kinds = [finding.kind for finding in found(workspace({"SR": ([22.0, 19.0], samples)}))]
        assert kinds == ["no-background"]


NO_LIMIT = [name for name in FINDINGS if FINDINGS[name][1] and FINDINGS[name][1][0] == "error"]


@pytest.mark.parametrize("name", [*NO_LIMIT, "events in a channel where nothing is predicted"])
def test_what_is_refused_has_no_limit(name):
    """pyhf finds no limit either: its fit fails, or CLs never comes near to 0.05, or the signal has no effect."""
    spec = FINDINGS[name][0]
    model, data = referee(spec)
    poi = model.config.poi_index
    points = np.repeat([model.config.suggested_init()], 2, axis=0)
    points[1, poi] += 1
    main = [model.expected_data(point.tolist(), include_auxdata=False) for point in points]
    if np.array_equal(*main):
        return
    bounds = model.config.suggested_bounds()
    bounds[poi] = (0, 1000)
    try:
        with np.errstate(all="ignore"):
            cls = [float(pyhf.infer.hypotest(mu, data, model, par_bounds=bounds)) for mu in (1.0, 100.0)]
    except pyhf.exceptions.FailedMinimization:
        return
    assert min(cls) > 0.9


@pytest.mark.parametrize("name", ["a background with the shape of the signal", "a free acceptance with a lower bound"])
def test_flat_directions_that_leave_a_limit_are_not_refused(name):
    spec = FINDINGS[name][0]
    model, data = referee(spec)
    bounds = model.config.suggested_bounds()
    bounds[model.config.poi_index] = (0, 200)
    engine = engine_of(spec, poi_bound=200.0)
    tested = hypotest(engine, prepare(engine, "qtilde"), 100.0, "qtilde", "asymptotics")
    assert float(pyhf.infer.hypotest(100.0, data, model, par_bounds=bounds)) < 0.05
    assert tested.p_values.CLs_obs < 0.05


def test_an_empty_channel_changes_no_limit():
    """The fits go on where a channel has no events at all."""
    spec = FINDINGS["an empty channel"][0]
    engine = engine_of(spec)
    model, data = referee(spec)
    tested = hypotest(engine, prepare(engine, "qtilde"), 1.0, "qtilde", "asymptotics")
    assert tested.p_values.CLs_obs == pytest.approx(float(pyhf.infer.hypotest(1.0, data, model)), abs=1e-4)


def test_no_model_that_can_be_fitted_is_refused():
    """Negative templates, observed events and variations at random."""
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(150):
        observed = rng.integers(0, 5, 2).astype(float).tolist()
        ranges = np.array([[-1, 1.5], [-3, 3], [-5, 8], [-5, 8]])
        signal, background, up, down = np.round(rng.uniform(ranges[:, :1], ranges[:, 1:], (4, 2)), 1)
        signal, background = np.where(rng.random((2, 2)) < 0.3, 0.0, [signal, background])
        modifiers = [normsys(0.2), varied(up.tolist(), down.tolist()), free("norm")]
        chosen = [modifier for modifier in modifiers if rng.random() < 0.5]
        spec = counting(observed, signal.tolist(), background.tolist(), *chosen)
        errors = [finding for finding in found(spec) if finding.kind == "impossible-bin"]
        if errors:
            refused += 1
            with pytest.raises(FitError):
                prepare(engine_of(spec), "qtilde")
    assert refused > 5


class TestPublished:
    def specs(self, data, folder: str, names: list[str]):
        background = read_json(data / folder / "BkgOnly.json.gz")
        (file,) = (data / folder).glob("patchset.json*")
        for patch in read_json(file)["patches"]:
            if patch["metadata"]["name"] in names:
                yield patch_workspace.apply_patch(background, patch["patch"])

    def test_no_errors_and_few_lines(self, data):
        """126 parameters in thousands of modifiers."""
        for spec in self.specs(data, "1Lbb", ["C1N2_Wh_hbb_1000_0", "C1N2_Wh_hbb_150_0"]):
            findings = found(spec)
            assert {finding.severity for finding in findings} == {"warning"}
            assert len(findings) <= 12

    @pytest.mark.parametrize(("folder", "signal"), [("1Lbb", "C1N2_Wh_hbb_150_0"), ("stau-highmass", "DS_400_40")])
    def test_parameters_without_effect_are_those_of_pyhf(self, data, folder, signal):
        (spec,) = self.specs(data, folder, [signal])
        model, _ = referee(spec)
        start = np.array(model.config.suggested_init())
        nominal = model.expected_data(start, include_auxdata=False)
        idle = []
        for i, name in enumerate(model.config.par_names):
            if not model.config.suggested_fixed()[i]:
                shifts = [start + step * (np.arange(len(start)) == i) for step in (-0.3, 0.7)]
                if all(np.array_equal(nominal, model.expected_data(point, include_auxdata=False)) for point in shifts):
                    idle.append(name)
        (finding,) = [finding for finding in found(spec) if finding.kind == "no-effect"]
        assert idle
        for name in idle[:8]:
            assert repr(name) in finding.where
        assert finding.where.count("'") == 2 * min(len(idle), 8)

    def test_small_ones(self, data):
        files = [*(data / "pyhf-testsuite").glob("ws_*.json"), *(data / "discovery-regions").glob("*.json")]
        assert len(files) > 8
        for file in files:
            assert all(finding.severity == "warning" for finding in found(read_json(file))), file

    def test_normal_models_of_the_test_suite_of_pyhf_have_nothing(self, data):
        for name in ("2-bin_1-channel", "ws_1bin_shapesys", "ws_2bin_2channel", "ws_2bin_2channel_coupledshapefactor"):
            assert found(read_json(data / "pyhf-testsuite" / f"{name}.json")) == []


class TestFitStep:
    def run(self, folder, spec: dict) -> dict:
        model, output = folder / "model.npz", folder / "fit.json"
        write_bytes(model, to_npz(compile_workspace(spec)))
        run_step(fit, ["--model", str(model), "--poi-bound", "10", "--output", str(output)])
        return json.loads(output.read_text(encoding="utf-8"))

    def test_warnings_are_in_the_result(self, tmp_path):
        result = self.run(tmp_path, FINDINGS["normsys, both to one side"][0])
        (warning,) = result["warnings"]
        (finding,) = found(FINDINGS["normsys, both to one side"][0])
        assert warning == {**finding._asdict(), "weight": "only untidy", "where": "normsys 'scale'"}

    def test_a_sound_model_has_none(self, tmp_path):
        assert self.run(tmp_path, EVERY_MODIFIER)["warnings"] == []

    def test_all_errors_are_the_reason(self, tmp_path):
        samples = {"signal": ([5.0, 0.0], [MU, free("acceptance")]), "background": ([25.0, 0.0], [normsys(0.1)])}
        result = self.run(tmp_path, workspace({"SR": ([30.0, 2.0], samples)}))
        assert result["status"] == "failed"
        assert "likelihood is zero" in result["reason"]
        assert "no value can be excluded" in result["reason"]

    def test_a_failed_fit_says_what_may_be_the_cause(self, tmp_path):
        result = self.run(tmp_path, counting([3.0, 10.0], [1.0, 2.0], [-0.2, 9.0]))
        assert result["status"] == "failed"
        assert "did not converge" in result["reason"]
        assert "channel 'channel', bin 1: 3 events are observed where no background is expected" in result["reason"]

    def test_lumi_is_a_sound_uncertainty(self):
        assert found(signal_with(("lumi", "lumi", None), parameters=(LUMI,))) == []
