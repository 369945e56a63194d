"""Versions are those that the standard library finds, without its reading of all metadata."""

from importlib import metadata

import numpy as np
import pytest

from muscan.base import versions


@pytest.fixture(autouse=True)
def forget():
    yield
    versions.version.cache_clear()


@pytest.mark.parametrize("package", versions.NUMERICAL + versions.OTHERS)
def test_installed_packages(package):
    assert versions.version(package) == metadata.version(package)


def installed(folder, package: str, version: str) -> str:
    info = folder / f"{package}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    return str(folder)


def test_the_package_that_is_imported_counts_if_there_are_two(tmp_path, monkeypatch):
    for folder, version in (("b", "1.0"), ("a", "2.0")):
        monkeypatch.syspath_prepend(installed(tmp_path / folder, "twice_here", version))
    assert versions.version("twice_here") == metadata.version("twice_here") == "2.0"


def test_names_that_begin_with_that_of_the_package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(installed(tmp_path, "numpy_extra", "9"))
    monkeypatch.syspath_prepend(str(tmp_path / "missing"))
    assert versions.version("numpy") == metadata.version("numpy") == np.__version__


def test_missing_package():
    with pytest.raises(metadata.PackageNotFoundError):
        versions.version("not-installed")
