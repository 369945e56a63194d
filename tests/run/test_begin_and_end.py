"""Messages before any job starts, and after the last one."""

import subprocess
import sys

import pytest
import yaml

from muscan.run import begin, end, existing_results

GOOD = {
    "datasets": {"d": {"histograms": {"counts": {"SR": {"signal": 1.0, "background": 2.0, "observed": 3}}}}},
    "models": {"m": {"samples": {"signal": [{"name": "mu", "type": "normfactor"}], "background": []}}},
    "analyses": {"a": {"dataset": "d", "model": "m"}},
}
MISSING = {"histograms": {"csv": "missing.csv"}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, config: dict) -> list[str]:
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    return [str(folder / "mine.yaml")]


def with_missing() -> dict:
    return GOOD | {
        "datasets": GOOD["datasets"] | {"gone": MISSING},
        "analyses": GOOD["analyses"] | {"b": {"dataset": "gone", "model": "m"}},
    }


def test_what_cannot_be_used_is_left_out(folder):
    config = with_missing()
    usable = begin.usable_part(config, write(folder, config))
    assert list(usable.config["analyses"]) == ["a"]
    assert list(usable.not_run) == ["b"]
    assert "missing.csv" in usable.not_run["b"]
    assert len(usable.problems) == 1
    assert usable.without_row == []  # the row of b tells it


def test_a_run_of_nothing_ends_at_once(folder):
    config = GOOD | {"datasets": {"d": MISSING}}
    with pytest.raises(SystemExit, match=r"^mine\.yaml cannot be used \(in .*\):\n.*missing\.csv(.|\n)*README\.md"):
        begin.usable_part(config, write(folder, config))


def test_the_text_of_the_files_is_looked_at_once(folder):
    """Jobs on a cluster start Snakemake too."""
    (folder / "mine.yaml").write_text("analyses: {}\nanalyses: {}\n")
    files = [str(folder / "mine.yaml")]
    with pytest.raises(SystemExit, match="twice"):
        begin.usable_part(GOOD, files)
    assert begin.usable_part(GOOD, files, check_text=False).problems == []


class TestLookingAround:
    def test_problems_are_told(self, folder, capsys):
        config = with_missing()
        files = write(folder, config)
        begin.prepare(begin.usable_part(config, files), files)
        assert "Not run, while the rest is: " in capsys.readouterr().err

    def test_data_sets_that_cannot_be_read_are_told(self, folder, capsys):
        (folder / "bad.csv").write_text("bin_low,bin_high,signal,background,observed\n0,1,5,20,twenty\n")
        config = GOOD | {
            "datasets": GOOD["datasets"] | {"bad": {"histograms": {"csv": "bad.csv"}}},
            "analyses": GOOD["analyses"] | {"b": {"dataset": "bad", "model": "m"}},
        }
        files = write(folder, config)
        begin.prepare(begin.usable_part(config, files), files)
        assert capsys.readouterr().err.startswith(
            "Will fail, while the rest is run: b: data set 'bad': bad.csv, line 2"
        )
        del config["analyses"]["a"]
        with pytest.raises(SystemExit, match=r"mine\.yaml cannot be used"):
            begin.prepare(begin.usable_part(config, files), files)

    def test_a_folder_in_which_nothing_can_be_written(self, folder, monkeypatch):
        monkeypatch.setattr(existing_results, "unwritable_folders", lambda: ["results", "logs"])
        files = write(folder, GOOD)
        with pytest.raises(SystemExit, match="cannot write here: results, logs"):
            begin.prepare(begin.usable_part(GOOD, files), files)


@pytest.mark.parametrize("there", [True, False])
def test_the_table_is_the_last_word(folder, there):
    """It is printed when the process ends."""
    header = "analysis,signal,calculator,confidence_level,observed_limit,expected_m2,expected_m1,expected,expected_p1,"
    header += "expected_p2,status,mu_hat,mu_hat_error,mu_hat_at_bound,gof_p_value,test_statistic,failed_points,reason\n"
    row = "search,signal,asymptotics,0.95,1.376,0.2,0.3,0.451,0.6,0.8,ok,1.03,0.21,False,0.73,qtilde,0,\n"
    if there:
        (folder / "results").mkdir()
        (folder / "results" / "limits.csv").write_text(header + row)
    scripts = str(end.SCRIPTS)
    program = f"import sys; sys.path.insert(0, {scripts!r}); from muscan.run import end; end.show_limits([]); "
    program += "end.show_missing_results(['results/limits.csv', 'results/x']); print('Snakemake')"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    said = done.stdout.split("\n", 1)
    assert said[0] == "Snakemake"
    assert ("1.376" in said[1]) == there
    missing = "results/x" if there else "results/limits.csv, results/x"
    assert done.stderr.startswith(f"Not made: {missing}.")
