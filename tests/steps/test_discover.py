"""discovery.json of a signal: through the scripts, in tables, in blind analyses, and where something has failed."""

import csv
import json
import math
from pathlib import Path

import pytest

import discover
import scan_signals
import tables
from helpers.chain import SPEC, Chain, strict
from helpers.steps import run_step
from helpers.workspaces import counting, normsys
from muscan.base.files import write_json
from muscan.config.scans import outline_of
from muscan.config.schema import complete
from muscan.records.columns import DISCOVERY_COLUMNS, P0_COLUMNS, Z_COLUMNS
from muscan.records.discovery import Discovery
from muscan.results.measurements import discovery_columns

COUNTING = counting([7.0], [10.0], [3.0])
Z_OBS = math.sqrt(2 * (7 * math.log(7 / 3) - 4))
Z_EXP = math.sqrt(2 * (13 * math.log(13 / 3) - 10))  # of 3 + 10 events
CASES = (-2, -1, 0, 1, 2)


def discovered(chain: Chain, *options: str) -> Path:
    output = chain.folder / "asymptotics" / "discovery.json"
    common = ["--model", str(chain.model_file), "--workspace", str(chain.workspace), "--fit", str(chain.fit_file)]
    run_step(discover, [*common, *options, "--output", str(output)])
    return output


@pytest.mark.parametrize("engine", ["newton", "pyhf"])
def test_a_counting_experiment(tmp_path, engine):
    chain = Chain(tmp_path, COUNTING)
    chain.fit("--engine", engine)
    record = Discovery.from_json(strict(discovered(chain)))
    accuracy = 1e-6 if engine == "newton" else 1e-4
    assert record.mu_hat == pytest.approx(0.4, rel=accuracy)
    assert record.Z_obs == pytest.approx(Z_OBS, rel=accuracy)
    assert record.Z_exp == pytest.approx([Z_EXP + n for n in CASES], rel=accuracy)
    assert record.q0_obs == pytest.approx(Z_OBS**2, rel=accuracy)
    assert record.p0_obs == pytest.approx(math.erfc(Z_OBS / math.sqrt(2)) / 2, rel=10 * accuracy)
    assert (record.status, record.no_excess, record.blinded) == ({"observed": "ok", "expected": "ok"}, False, False)
    assert record.toys is record.asymptotics is record.p0_obs_error is record.Z_obs_bound is None


def test_the_bounds_of_the_fits_do_not_matter(tmp_path):
    records = []
    for number, bound in enumerate(("10", "40")):
        chain = Chain(tmp_path / str(number), COUNTING)
        chain.fit("--poi-bound", bound, "--test-statistic", ("qtilde", "q")[number])
        records.append(Discovery.from_json(strict(discovered(chain))))
    assert records[0].Z_obs == pytest.approx(records[1].Z_obs, rel=1e-7)
    assert records[0].Z_exp == pytest.approx(records[1].Z_exp, rel=1e-7)


@pytest.mark.parametrize("observed", [52.0, 40.0])
def test_a_signal_without_events_has_no_significance(tmp_path, observed):
    """The likelihood is flat in mu: no data can show an excess."""
    chain = Chain(tmp_path, counting([observed], [0.0], [50.0], normsys(0.1)))
    chain.fit()
    record = Discovery.from_json(strict(discovered(chain)))
    assert record.status == {"observed": "no_effect", "expected": "no_effect"}
    assert "mu has no effect" in record.reason["observed"]
    assert record.p0_obs is record.Z_obs is record.q0_obs is record.no_excess is None
    assert record.p0_exp == record.Z_exp == record.q0_exp == [None] * 5


def test_a_failure_of_the_fit_is_passed_on(tmp_path):
    chain = Chain(tmp_path, {"status": "failed", "reason": "the patch does not apply"})
    chain.fit()
    assert strict(discovered(chain)) == {"status": "failed", "reason": "the patch does not apply"}


def scan(folder: Path, observed: list[float], *options: str) -> dict[str, bytes]:
    """All files of a pack with a measurement, from the workspace to the limits."""
    folder.mkdir()
    spec = SPEC | {"observations": [{"name": "channel", "data": observed}]}
    (folder / "published.json").write_text(json.dumps(spec))
    (folder / "checked.json").write_text('{"status": "ok"}')
    argv = ["--workspace", str(folder / "published.json"), "--checked", str(folder / "checked.json")]
    argv += ["--mu", "0", "1", "2", "4", "8", "--poi-bound", "10", "--check-asymptotics", "false"]
    argv += ["--measurements", '{"discovery": {}}', "--folder", str(folder / "results"), "--signals", "signal"]
    run_step(scan_signals, [*argv, *options])
    files = [path for path in (folder / "results").rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_blind_analysis_does_not_depend_on_the_observed_data(tmp_path):
    name = "results/signal/asymptotics/discovery.json"
    results = [scan(tmp_path / str(i), data, "--blind") for i, data in enumerate(([55.0, 62.0], [90.0, 20.0]))]
    assert results[0] == results[1]
    record = Discovery.from_json(json.loads(results[0][name]))
    assert record.status == {"observed": "blinded", "expected": "ok"}
    observed = ("mu_hat", "no_excess", "q0_obs", "p0_obs", "Z_obs", "p0_obs_error", "p0_obs_bound", "Z_obs_bound")
    assert all(getattr(record, field) is None for field in observed)
    assert None not in record.p0_exp
    assert json.loads(scan(tmp_path / "open", [55.0, 62.0])[name])["p0_obs"] < 0.5


def test_a_job_and_a_pack_write_the_same(tmp_path):
    packed = scan(tmp_path / "pack", [55.0, 62.0])
    chain = Chain(tmp_path, json.loads(packed["results/signal/workspace.json"]))
    chain.fit("--poi-bound", "10")
    packed, single = (
        json.loads(content)
        for content in (packed["results/signal/asymptotics/discovery.json"], discovered(chain).read_text())
    )
    assert packed.pop("made_by")
    assert single.pop("made_by")
    assert packed == single


# Tables


def test_a_table_has_columns_for_the_analyses_that_ask(tmp_path):
    """Three analyses: p0, p0 of a fit that fails, and none."""
    on = {"discovery": True}
    settings = {"counts": on, "broken": on, "quiet": {"discovery": False}}
    for name, each in settings.items():
        chain = Chain(tmp_path, {"status": "failed", "reason": "why"} if name == "broken" else COUNTING, analysis=name)
        chain.run()
        if each["discovery"]:
            discovered(chain)
    rows = table(tmp_path, settings)
    counts, broken, quiet = (rows[name] for name in settings)
    assert [float(counts[name]) for name in Z_COLUMNS] == pytest.approx([Z_OBS, *(Z_EXP + n for n in CASES)], rel=1e-6)
    p0 = [math.erfc(z / math.sqrt(2)) / 2 for z in (Z_OBS, *(Z_EXP + n for n in CASES))]
    assert [float(counts[name]) for name in P0_COLUMNS] == pytest.approx(p0, rel=1e-5)
    assert counts["p0_status"] == "ok"
    assert counts["p0_obs_error"] == counts["p0_exp_error"] == counts["p0_obs_bound"] == ""
    assert broken["p0_status"] == "fit_failed"
    assert broken["Z_obs"] == broken["p0_exp"] == ""
    assert {quiet[name] for name in DISCOVERY_COLUMNS} == {""}
    without = table(tmp_path, {name: {"discovery": False} for name in settings})
    assert not set(DISCOVERY_COLUMNS) & set(without["counts"])


def table(results: Path, settings: dict[str, dict]) -> dict[str, dict[str, str]]:
    """The rows of limits.csv, by analysis."""
    config = {
        "datasets": {"data": {"histograms": {"counts": {"SR": {"signal": 10, "background": 3, "observed": 7}}}}},
        "models": {"simple": {"samples": {"signal": [{"name": "mu", "type": "normfactor"}], "background": []}}},
        "analyses": {name: {"dataset": "data", "model": "simple"} | each for name, each in settings.items()},
    }
    files = [str(results / f"limits.{kind}") for kind in ("csv", "md")]
    words = ["--results", str(results), "--outline", json.dumps(outline_of(complete(config)))]
    tables.main([*words, "--csv", files[0], "--markdown", files[1]])
    with open(files[0], newline="", encoding="utf-8") as file:
        return {row["analysis"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({"observed": "ok", "expected": "ok"}, "ok"),
        ({"observed": "blinded", "expected": "ok"}, "blinded: p0_obs"),
        ({"observed": "at_bound", "expected": "fit_failed"}, "at_bound: p0_obs; fit_failed: p0_exp"),
        ({"observed": "toys_too_few", "expected": "toys_too_few"}, "toys_too_few"),
    ],
)
def test_the_column_of_statuses(tmp_path, status, text):
    nothing = dict.fromkeys(("observed", "expected"))
    values = dict.fromkeys(("mu_hat", "no_excess", "q0_obs", "p0_obs", "Z_obs"))
    values |= dict.fromkeys(("q0_exp", "p0_exp", "Z_exp"), [None] * 5)
    record = Discovery(calculator="toybased", status=status, reason=nothing, blinded=False, **values)
    write_json(tmp_path / "toybased" / "discovery.json", record.to_json())
    assert discovery_columns(tmp_path, ["toybased/discovery.json", "ranking.json"])["p0_status"] == text
