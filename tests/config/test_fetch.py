"""Remote input files: what is fetched, when again, and what is said if that fails."""

import os
import sys
import time

import pytest
from snakemake_interface_storage_plugins.registry import StoragePluginRegistry

from helpers.web import needs_rsync, web
from muscan.base.errors import InputError
from muscan.config import remote_inputs
from muscan.config.fetch import fetch_inputs, fetch_missing
from muscan.config.remote_inputs import copy_of, fetched, name_queries, queries_in, query_of, with_copies
from muscan.config.signals import check_input, known_signals

BEFORE = 1_600_000_000.0  # a time in 2020


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


@pytest.fixture
def server():
    with web() as running:
        yield running


def config_of(query: str) -> dict:
    return {"datasets": {"search": {"histograms": {"csv": query}}}}


def used(query: str) -> str:
    """The path that a configuration uses for a query after fetching."""
    fetch_inputs(config_of(query))
    return with_copies(config_of(query))["datasets"]["search"]["histograms"]["csv"]


def problem(query: str) -> str:
    """What the check says about a query that cannot be fetched: one line."""
    assert used(query) == query
    with pytest.raises(InputError) as error:
        check_input(query)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_is_fetched_once(here, server, capsys):
    server.files["/a/search.csv"], server.changed["/a/search.csv"] = b"1,2\n", BEFORE
    url = f"{server.url}/a/search.csv"
    path = used(url)
    assert (here / path).read_bytes() == b"1,2\n"
    assert os.path.basename(path) == "search.csv"
    assert os.path.getmtime(path) == BEFORE
    assert query_of(path) == url
    check_input(path)
    assert f"Fetched {url}" in capsys.readouterr().err
    assert used(url) == path
    assert server.requests.count("GET /a/search.csv") == 1
    assert capsys.readouterr().err == ""


@needs_rsync
def test_a_path_on_this_machine(here):
    (here / "elsewhere").mkdir()
    file = here / "elsewhere" / "search.csv"
    file.write_text("1,2\n")
    os.utime(file, (BEFORE, BEFORE))
    for query in (f"fs://{file}", "fs://elsewhere/search.csv"):
        assert (here / used(query)).read_text() == "1,2\n"
    inode = os.stat(copy_of(query)).st_ino
    assert os.stat(used(query)).st_ino == inode
    file.write_text("3,4\n")
    assert (here / used(query)).read_text() == "3,4\n"


@pytest.mark.parametrize("times", [(BEFORE, BEFORE + 60), (BEFORE, BEFORE - 60), (None, None)])
def test_changed_content_is_newer_than_all_results(here, server, times):
    """Also if the server gives no time, or the file was replaced by an older one."""
    for content, changed in zip((b"old", b"new"), times, strict=True):
        server.files["/file"] = content
        server.changed |= {} if changed is None else {"/file": changed}
        start = time.time()
        path = used(f"{server.url}/file")
        assert (here / path).read_bytes() == content
    assert os.path.getmtime(path) >= start - 0.1  # clocks of file systems are coarse


@pytest.mark.parametrize("times", [(BEFORE, BEFORE + 60), (None, None)])
def test_the_same_content_stays_as_old_as_it_is(here, server, times):
    server.files["/file"] = b"content"
    seen = []
    for changed in times:
        server.changed |= {} if changed is None else {"/file": changed}
        path = used(f"{server.url}/file")
        seen.append(os.stat(path).st_mtime_ns)
    assert seen[0] == seen[1]
    assert server.requests.count("GET /file") == 2


def test_a_file_that_has_just_changed_is_read_again(here, server):
    """It may change once more with the same time, which has a resolution of a second, and the same size."""
    now = time.time()
    for content in (b"old", b"new"):
        server.files["/file"], server.changed["/file"] = content, now
        assert (here / used(f"{server.url}/file")).read_bytes() == content


def test_a_time_in_the_future_is_not_kept(here, server):
    """Results could never be newer than it."""
    server.files["/file"], server.changed["/file"] = b"", time.time() + 10_000
    assert os.path.getmtime(used(f"{server.url}/file")) <= time.time() + 0.1


def test_what_cannot_be_fetched(here, server):
    assert problem(f"{server.url}/none") == f"there is no file {server.url}/none, or it may not be read"
    assert problem("fs:///none/such") == "there is no file fs:///none/such, or it may not be read"
    assert problem(f"fs://{here}") == f"fs://{here} is a folder, not a file"
    server.files["/cut"], server.promised["/cut"] = b"[1, 2", 100
    assert f"{server.url}/cut" in problem(f"{server.url}/cut")
    assert not copy_of(f"{server.url}/cut").exists()
    server.promised.clear()
    assert used(f"{server.url}/cut") != f"{server.url}/cut"  # the next run finds it


def test_a_server_that_does_not_answer(here, capsys):
    """An earlier copy is used, and a line says so."""
    with web() as server:
        server.files["/file"] = b"content"
        url, other = f"{server.url}/file", f"{server.url}/other"
        path = used(url)
    assert "Connection refused" in problem(other)
    capsys.readouterr()
    assert used(url) == path
    assert "The copy that was fetched earlier is used." in capsys.readouterr().err


def test_a_file_that_is_gone_is_a_problem(here, server):
    """Its copy is not used silently."""
    server.files["/file"] = b"content"
    used(f"{server.url}/file")
    server.files.clear()
    assert "there is no file" in problem(f"{server.url}/file")


def test_a_missing_plugin(here, monkeypatch):
    monkeypatch.setattr(StoragePluginRegistry(), "plugins", {})
    for query, name in {"https://host/a": "http", "fs:///a": "fs", "s3://a/b": "s3", "root://a//b": "xrootd"}.items():
        expected = f"{query} needs a package of Snakemake: pip install snakemake-storage-plugin-{name}"
        assert problem(query) == expected
    assert "needs a storage plugin of Snakemake for zenodo://" in problem("zenodo://record/1/a")


def test_a_configuration_without_remote_files_costs_nothing(here, monkeypatch):
    for module in ("snakemake.storage", "snakemake.cli"):
        monkeypatch.setitem(sys.modules, module, None)  # an import would fail
    config = config_of("data/search.csv")
    fetch_inputs(config)
    assert with_copies(config) is config
    assert not remote_inputs.COPIES.exists()


def test_all_places_of_a_configuration():
    queries = [f"https://host/{i}" for i in range(6)]
    histogram = {"file": queries[4], "name": "h"}
    config = {
        "datasets": {
            "a": {"workspace": {"file": queries[0], "patchset": queries[1]}},
            "b": {"histograms": {"csv": queries[2]}},
            "c": {"histograms": {"root": {"file": queries[3], "channels": {"SR": {"ttbar": histogram, "other": "h"}}}}},
            "d": None,
            "e": {"workspace": "https://not/a/block", "histograms": {"csv": ["https://list"]}},
        },
        "grids": {"grid": {"title": "https://title", "cross_sections": {"csv": queries[5]}}},
    }
    assert sorted(queries_in(config)) == queries
    assert queries_in({"datasets": []}) == []


def test_names_of_copies():
    """They are those of the files, and safe; two queries never share a copy."""
    assert copy_of("https://host/record/BkgOnly.json.gz?download=1").name == "BkgOnly.json.gz"
    assert copy_of("https://host/a{b} c.json").name == "a%7Bb%7D%20c.json"
    assert copy_of("https://host/").name == "file"
    assert copy_of("https://host/.hidden").name == "_.hidden"
    assert copy_of("https://host/x?file=1") != copy_of("https://host/x?file=2")


def test_messages_name_the_query(here, server):
    server.files["/page.json"] = b"<html>"
    url = f"{server.url}/page.json"
    assert name_queries(f"{used(url)}: not JSON") == f"{url}: not JSON"
    assert name_queries("data/page.json: not JSON") == "data/page.json: not JSON"


def test_loose_patches_are_not_fetched():
    with pytest.raises(InputError, match="loose patches are not fetched; name a patch set, or copy the folder"):
        known_signals({"patches": "https://host/patches"})


def test_missing_copies_are_fetched_again(here, server):
    server.files["/file"], server.changed["/file"] = b"content", BEFORE
    url = f"{server.url}/file"
    path = used(url)
    fetch_missing([url])
    assert server.requests.count("GET /file") == 1
    os.remove(path)
    fetch_missing([url])
    assert (here / path).read_bytes() == b"content"
    assert fetched(url).problem is None


def test_a_setting_that_a_plugin_does_not_accept(here, monkeypatch):
    monkeypatch.setenv("SNAKEMAKE_STORAGE_HTTP_AUTH", "nonsense")
    with pytest.raises((InputError, SystemExit)) as error:
        fetch_inputs(config_of("https://host/file"))
    assert "storage plugin" in str(error.value)
