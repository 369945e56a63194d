"""The report: complete, literal, the numbers of limits.csv, and a page that a browser shows without complaint."""

import base64
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pyhf
import pytest
import yaml

from helpers.workflow import REPO, clone, copy, environment, snakemake, write_config
from helpers.workspaces import MU, normsys, workspace
from muscan.config.schema import complete, schema_at
from muscan.report.captions import caption_files
from muscan.report.sections import GRID_CAPTIONS, without_blinded_counts

NASTY = '<img src=x onerror="alert(1)" '
ODD = "a|b `c` $x$ & 100 % ?#"
FAILING = "nowhere <b"
CHANNEL = "SR </h1> $a$ `b` | 100 %"
HERE, NOWHERE = "/channels/0/samples/1", "/channels/7/samples/0"
PLOTS = {"brazil": 1, "pulls": 1, "yields": 2}  # pictures of each


class Page(HTMLParser):
    """Elements, links and texts of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self.links, self.pictures, self.anchors = set(), set(), [], [], set()
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.add(tag)
        self.attributes |= set(found)
        self.links += [found["href"]] if "href" in found else []
        self.pictures += [found["src"]] if "src" in found else []
        self.anchors |= {found["id"]} if "id" in found else set()
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_data(self, data):
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()

    def files(self) -> list[str]:
        """Files that are linked or shown, as paths."""
        parts = [urlsplit(each) for each in (*self.links, *self.pictures)]
        return [unquote(part.path) for part in parts if not part.scheme and part.path]


def patch(data: list[float], place: str = HERE) -> list[dict]:
    modifiers = [{"name": MU[0], "type": MU[1], "data": None}]
    return [{"op": "add", "path": place, "value": {"name": "signal <i>", "data": data, "modifiers": modifiers}}]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Signals with odd names, one of which fails; a grid, and limits from toys beside the asymptotic ones."""
    folder = clone(tmp_path_factory.mktemp("report") / "run")
    background = workspace({CHANNEL: ([52.0, 58.0], {"background": ([50.0, 60.0], [normsys(0.1, "a$b$\\frac{")])})})
    (folder / "background.json").write_text(json.dumps(background))
    (folder / "patches").mkdir()
    odd = {NASTY: patch([20.0, 10.0]), ODD: patch([5.0, 2.0]), FAILING: patch([1.0, 1.0], NOWHERE)}
    for name, each in odd.items():
        (folder / "patches" / f"{name}.json").write_text(json.dumps(each))
    places = {"near": [100, 0], "far": [200, 0], "off": [200, 50], "tiny": [100, 50]}
    patches = [
        {"metadata": {"name": name, "values": values}, "patch": patch([1000 / values[0], 5.0])}
        for name, values in places.items()
    ]
    metadata = {"labels": ["m1", "m2"], "description": "odd", "references": {"hepdata": "ins0000000"}}
    metadata["digests"] = {"sha256": pyhf.utils.digest(background)}
    (folder / "patchset.json").write_text(json.dumps({"version": "1.0.0", "metadata": metadata, "patches": patches}))
    write_config(folder, {
        "datasets": {
            "odd": {"workspace": {"file": "background.json", "patches": "patches"}},
            "plane": {"workspace": {"file": "background.json", "patchset": "patchset.json"}},
        },
        "scan": {"mu": [0.2, 1, 2, 4, 8, 16, 32], "signals_per_job": 4},
        "analyses": {
            "search": {"dataset": "odd", "plots": list(PLOTS)},
            "plane": {"dataset": "plane", "calculators": ["asymptotics", "toybased"], "plots": [],
                      "toys": {"per_hypothesis": 100, "block": 100, "jobs": 1}},
        },
        "grids": {"masses": {"analyses": ["plane"], "x": "m1", "y": "m2", "axis_labels": {"m1": "m(<X>) [GeV]"}}},
    })  # fmt: skip
    result = snakemake(folder, check=False)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    (folder / "output.txt").write_text(result.stdout + result.stderr)
    return folder


@pytest.fixture
def changed(finished, tmp_path) -> Path:
    """A copy whose results may be edited."""
    folder = copy(finished, tmp_path / "changed")
    shutil.rmtree(folder / "results" / ".sha256")
    return folder


def write(folder: Path, *options: str) -> Path:
    """What `make report` runs, or with other options the rule."""
    output = folder / ("report.html" if "--embed" in options else "results/again.html")
    command = [sys.executable, "scripts/report.py", "--manifest", "results/manifest.json", "--output", str(output)]
    result = subprocess.run([*command, *options], cwd=folder, env=environment(), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return output


def page(file: Path) -> Page:
    return Page(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def report(finished) -> Page:
    return page(finished / "results" / "report.html")


def table(finished: Path) -> list[dict[str, str]]:
    with (finished / "results" / "limits.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_links_lead_somewhere(finished, report):
    files = report.files()
    assert [file for file in files if not (finished / "results" / file).is_file()] == []
    assert {"limits.csv", "limits.md", "toybased.csv", "manifest.json", "plots/limits.png"} <= set(files)
    assert {"grids/masses/points.csv", "grids/masses/plots/exclusion.png", "plane/near/fit.json"} <= set(files)
    anchors = {link[1:] for link in report.links if link.startswith("#")}
    assert anchors <= report.anchors
    assert len(anchors) >= len(table(finished))


def test_every_picture_is_shown(finished, report):
    shown = {unquote(source) for source in report.pictures}
    there = {str(path.relative_to(finished / "results")) for path in (finished / "results").glob("[!.]*/**/*.png")}
    assert shown == there
    assert len([name for name in shown if name.startswith("search/")]) == 2 * sum(PLOTS.values()) + len(
        PLOTS
    )  # one fails


def test_numbers_are_those_of_the_table(finished, report):
    """Every limit with four digits, in the table of all and in that of its signal."""
    rows = table(finished)
    columns = ["observed_limit", "expected_m2", "expected_m1", "expected", "expected_p1", "expected_p2"]
    assert sum(row["status"] == "ok" for row in rows) >= 6  # asymptotic ones of all but one signal
    for row in rows:
        name = " / ".join(row[key] for key in ("analysis", "signal", "calculator"))
        shown = [cells[1:7] for cells in report.rows if cells and cells[0] == name]
        assert len(shown) == 2
        for cells in shown:
            for cell, column in zip(cells, columns, strict=True):
                error = row[f"{column}_error"]
                text = f"{float(row[column]):.4g}" + (f" ± {float(error):.2g}" if error else "") if row[column] else "–"
                assert cell == text or (not row[column] and re.fullmatch(r"[<>] [\d.]+", cell)), (name, column)


def test_the_signal_that_failed_is_named_with_its_reason(finished, report):
    (row,) = [row for row in table(finished) if row["analysis"] == "search" and row["signal"] == FAILING]
    assert row["status"] == "fit_failed"
    assert row["reason"]
    assert report.text.count(row["reason"]) >= 2
    assert "No fit:" in report.text
    assert re.search(r"failed\s*search / nowhere <b / asymptotics: fit_failed", report.text)
    words = re.sub(r"\s+", " ", (finished / "output.txt").read_text())
    assert "Check first: - search / nowhere <b / asymptotics: fit_failed" in words


def test_names_are_literal(report):
    assert not report.tags & {"script", "iframe", "object", "embed"}
    assert not [name for name in report.attributes if name.startswith("on")]
    for text in (NASTY, ODD, CHANNEL, "a$b$\\frac{"):
        assert text in report.text


def test_it_is_a_result(finished):
    """In the manifest and sealed; made again it has the same bytes; it knows nothing of the place and the time."""
    manifest = json.loads((finished / "results" / "manifest.json").read_text())
    assert "results/report.html" in [record["file"] for record in manifest["results"]]
    assert (finished / "results" / ".sha256" / "report.html").exists()
    text = (finished / "results" / "report.html").read_bytes()
    again = write(finished)
    assert again.read_bytes() == text
    again.unlink()
    assert str(finished).encode() not in text
    assert os.uname().nodename.encode() not in text.replace(b"localhost", b"")


def test_one_file_holds_all(finished, tmp_path, report):
    """`make report`: the pictures are in the page, which needs no other file."""
    alone = page(write(finished, "--embed"))
    assert alone.files() == []
    assert all(source.startswith("data:image/png;base64,") for source in alone.pictures)
    assert len(alone.pictures) == len(report.pictures)


def test_hostile_records_are_escaped(changed):
    """Names of parameters, warnings, reasons and channels are texts, whatever they look like."""
    folder = changed / "results" / "plane" / "near"
    fit = json.loads((folder / "fit.json").read_text())
    hostile = "<img src=x onerror=alert(1)>"
    fit["parameters"]["names"] = [
        name if name == "mu" else f"{hostile}\x1b[2J{name}" for name in fit["parameters"]["names"]
    ]
    fit["warnings"] = ["</ul><script>alert(2)</script>", "{{ 7 * 7 }}"]
    (folder / "fit.json").write_text(json.dumps(fit))
    limits = json.loads((folder / "asymptotics" / "limits.json").read_text())
    limits["failed_points"] = [{"mu": 1, "status": "fit_failed", "reason": "'\"><svg onload=alert(3)>"}]
    (folder / "asymptotics" / "limits.json").write_text(json.dumps(limits))
    text = write(changed).read_text(encoding="utf-8")
    hostile_page = Page(text)
    assert not hostile_page.tags & {"script", "svg"}
    assert not [name for name in hostile_page.attributes if name.startswith("on")]
    assert "x" not in hostile_page.pictures
    for words in (hostile, "</ul><script>alert(2)</script>", "{{ 7 * 7 }}", "'\"><svg onload=alert(3)>"):
        assert words in hostile_page.text
    assert "\x1b" not in text


def test_blinded_analyses_are_said_to_be(changed):
    """No observed number is shown, and it is no problem."""
    rows = table(changed)
    for row in rows:
        if row["analysis"] == "search" and row["status"] == "ok":
            row |= dict.fromkeys(("observed_limit", "mu_hat", "mu_hat_error", "mu_hat_at_bound", "gof_p_value"), "")
            row |= {"CLs_obs": "", "status": "blinded: observed_limit"}
    gone = {
        "analysis": "gone",
        "signal": "signal",
        "calculator": "asymptotics",
        "status": "fit_failed",
        "reason": "no file",
    }
    rows.append(dict.fromkeys(rows[0], "") | gone | {"confidence_level": "0.95", "test_statistic": "qtilde"})
    with (changed / "results" / "limits.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for path in (changed / "results" / "search").glob("*/fit.json"):
        fit = json.loads(path.read_text())
        if fit.get("status") != "failed":
            fit |= {"blinded": True, "mu_hat": None, "mu_hat_error": None, "goodness_of_fit": None}
            path.write_text(json.dumps(fit))
    blinded = page(write(changed))
    (cells,) = [cells for cells in blinded.rows if cells[:1] == [f"search / {ODD} / asymptotics"]][:1]
    assert cells[1] == "–"
    assert "blinded" in cells[-1]
    assert "expected limits only: search" in blinded.text
    assert "blinded: expected limits only" in blinded.text
    assert re.search(r"failed\s*gone / asymptotics: fit_failed \(no file\)", blinded.text)  # it was never run


def test_the_configuration_hides_counts_that_only_blind_analyses_could_use():
    def counts(observed: int) -> dict:
        return {"histograms": {"counts": {"observed": {"signal": 1, "background": 2, "observed": observed}}}}

    written = {
        "datasets": {"hidden": counts(7357), "shared": counts(12), "file": {"workspace": {"file": "observed"}}},
        "scan": {"blind": True},
        "analyses": {
            "a": {"dataset": "hidden", "model": "m"},
            "b": {"dataset": "shared", "model": "m"},
            "c": {"dataset": "shared", "model": "m", "blind": False},
            "d": {"dataset": "file"},
        },
    }
    config = complete(written)
    shown = without_blinded_counts(config)
    assert "7357" not in json.dumps(shown)
    assert shown["datasets"]["hidden"]["histograms"]["counts"] == {"observed": {"signal": 1, "background": 2}}
    assert [shown["datasets"][name] for name in ("shared", "file")] == [counts(12), config["datasets"]["file"]]


def chromium(file: Path, *options: str) -> subprocess.CompletedProcess:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("there is no chromium here")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", *options]
    return subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=120)


def console(result: subprocess.CompletedProcess) -> list[str]:
    return [line for line in result.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(params=["beside", "embedded"])
def shown(request, finished, tmp_path) -> Path:
    """A page, and the same with pictures embedded in a folder of its own."""
    if request.param == "beside":
        return finished / "results" / "report.html"
    return Path(shutil.copy(write(finished, "--embed"), tmp_path / "report.html"))


def test_a_browser_does_not_complain(shown):
    result = chromium(shown, "--dump-dom")
    assert "Upper limits on the signal strength" in result.stdout
    assert console(result) == []


def test_a_browser_shows_all_pictures(shown, report):
    """Without `lazy`, which leaves out what is far below, and with a script that counts."""
    text = shown.read_text(encoding="utf-8").replace(' loading="lazy"', "")
    text = re.sub(r"<meta http-equiv.*?>\n", "", text)
    count = "[...document.images].filter(each => each.naturalWidth > 100).length"
    script = f"<script>onload = () => {{ document.title = 'shown: ' + {count}; console.log('heard') }}</script></body>"
    copy_of = shown.with_name("counted.html")
    copy_of.write_text(text.replace("</body>", script), encoding="utf-8")
    try:
        result = chromium(copy_of, "--dump-dom", "--virtual-time-budget=10000")
    finally:
        copy_of.unlink()
    assert f"<title>shown: {len(report.pictures)}</title>" in result.stdout
    assert len(console(result)) == 1  # messages can be heard here


def test_captions_are_there_for_all_plots():
    """A plot that the configuration can ask for has its words."""
    captions = yaml.safe_load((REPO / "report" / "captions.yaml").read_text(encoding="utf-8"))
    assert set(captions) == {*schema_at("scan.plots")["items"]["enum"], *GRID_CAPTIONS.values(), "limits"}
    assert all(set(caption) == {"title", "drawn", "read", "check"} for caption in captions.values())


def test_what_another_configuration_left_is_not_in_the_report(changed):
    """Tables and pictures that are still in the folder, of which the configuration says nothing."""
    file = changed / "results" / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["config"]["analyses"]["plane"]["calculators"] = ["asymptotics"]
    del manifest["config"]["grids"]["masses"]["y"]
    file.write_text(json.dumps(manifest))
    limits = changed / "results" / "limits.csv"
    rows = limits.read_text().splitlines(keepends=True)
    limits.write_text("".join(row for row in rows if ",toybased," not in row))
    left = page(write(changed))
    named = " ".join([*left.files(), *left.pictures])
    assert (changed / "results" / "toybased.csv").exists()
    assert "toybased" not in named
    assert "exclusion" not in named
    assert "grids/masses/plots/limits" in named


class Shown(NamedTuple):
    """What `snakemake --report` shows: its file, what it says, and {path: properties} of the results."""

    text: str
    output: str
    results: dict[str, dict]


@pytest.fixture(scope="module")
def snakemake_report(finished) -> Shown:
    result = snakemake(finished, "--report", "snakemake.html")
    text = (finished / "snakemake.html").read_text(encoding="utf-8")
    results = json.JSONDecoder().raw_decode(text, text.index("{", text.index("results = {")))[0]
    return Shown(text, result.stdout + result.stderr, results)


def caption_words(html: str) -> str:
    return " ".join(Page(html).text.split())


def test_the_report_of_snakemake_has_all_pictures_and_tables(finished, snakemake_report):
    """All PNG files, and the tables; a picture's data are the bytes of the file."""
    pictures = {str(file.relative_to(finished)) for file in finished.glob("results/[!.]*/**/*.png")}
    tables = {
        f"results/{name}.{kind}" for name in ("limits", "toybased", "grids/masses/points") for kind in ("csv", "md")
    }
    assert snakemake_report.results.keys() == pictures | tables
    assert len(pictures) > 10
    for file, result in snakemake_report.results.items():
        assert base64.b64decode(result["data_uri"].partition("base64,")[2]) == (finished / file).read_bytes()
    assert "WARNING" not in snakemake_report.output
    assert "system-message" not in snakemake_report.text


def test_the_report_of_snakemake_has_the_captions_of_ours(snakemake_report):
    captions = yaml.safe_load((REPO / "report" / "captions.yaml").read_text(encoding="utf-8"))
    kinds = {"plots/limits.png": "limits", "exclusion.png": "exclusion", "/m2_0.png": "mass_limits"}
    kinds |= {"brazil.png": "brazil", "pulls.png": "pulls", "_postfit.png": "yields"}
    for end, kind in kinds.items():
        found = [each["caption"] for file, each in snakemake_report.results.items() if file.endswith(end)]
        assert found
        title, *parts = captions[kind].values()
        for html in found:
            words = caption_words(html)
            assert words.startswith(title)
            assert all(part in words for part in parts)
            assert all(other["drawn"] not in words for name, other in captions.items() if name != kind)


def test_the_captions_of_snakemake_are_up_to_date():
    captions = yaml.safe_load((REPO / "report" / "captions.yaml").read_text(encoding="utf-8"))
    for name, text in caption_files(captions).items():
        file = REPO / "report" / "captions" / name
        assert file.read_text(encoding="utf-8") == text, "run python scripts/muscan captions"
