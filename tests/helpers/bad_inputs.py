"""Bad inputs: what is wrong with each, and the words that its message must have.

`test_bad_inputs.py` hands all of them to muscan. The words of a file stand in the reason, in the tables of limits.
"""

import copy
import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyhf

from helpers.workspaces import EVERY_MODIFIER

DELETE = object()
DEEP = 10_000


def changed(value: Any, *changes: tuple[str, Any]) -> Any:
    """A copy with other values at places such as `channels/0/name`; a value may be a function of the old one."""
    value = copy.deepcopy(value)
    for path, new in changes:
        *parents, last = [int(part) if part.isdecimal() else part for part in path.split("/")]
        block = value
        for part in parents:
            block = block[part]
        if new is DELETE:
            del block[last]
        else:
            block[last] = new(block[last]) if callable(new) else new
    return value


class Bad(NamedTuple):
    """A workspace, patch, patch set or table that is wrong.

    Attributes:
        content: bytes or text of the file, or what stands in it as JSON.
        words: that the message must have, with what names the culprit.
    """

    content: Any
    words: tuple[str, ...]

    def write(self, path: Path) -> Path:
        content = self.content
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


def workspace(words: str | list[str], *changes: tuple[str, Any]) -> Bad:
    """The workspace with every modifier, with changes."""
    return Bad(changed(EVERY_MODIFIER, *changes), (words,) if isinstance(words, str) else tuple(words))


SIGNAL, TOP, FAKES = (f"channels/0/samples/{i}" for i in range(3))
MEASUREMENT = "measurements/0/config"
LUMI = f"{MEASUREMENT}/parameters/0"
MU, STAT = f"{SIGNAL}/modifiers/0", f"{SIGNAL}/modifiers/2"
NORMSYS, HISTOSYS, SHAPESYS = f"{TOP}/modifiers/1", f"{TOP}/modifiers/2", f"{FAKES}/modifiers/0"


def twice(entries: list) -> list:
    return [*entries, copy.deepcopy(entries[0])]


def and_one(entry: dict) -> Callable[[list], list]:
    return lambda entries: [*entries, entry]


# A workspace whose form is wrong, as a file or through a patch. ------------------------------------------------------

WORKSPACES = {
    # another type
    "workspace-is-a-list": Bad([1, 2], ("list",)),
    "workspace-is-a-number": Bad(3, ("3",)),
    "workspace-is-null": Bad("null", ("null",)),
    "workspace-is-text": Bad('"channels"', ("channels",)),
    "workspace-is-empty": Bad({}, ("is missing",)),
    "channels-is-a-block": workspace("channels", ("channels", {"SR": {}})),
    "channels-is-null": workspace("channels", ("channels", None)),
    "channels-is-empty": workspace("channels", ("channels", [])),
    "channel-is-text": workspace("channels[1]", ("channels/1", "control")),
    "channel-name-is-a-number": workspace(["channels[0]", "name", "7"], ("channels/0/name", 7)),
    "samples-is-text": workspace(["region", "samples"], ("channels/0/samples", "signal")),
    "samples-is-empty": workspace(["region", "samples"], ("channels/0/samples", [])),
    "sample-is-a-list": workspace(["region", "samples[1]"], (TOP, [1])),
    "sample-name-is-null": workspace(["region", "samples[1]", "name", "null"], (f"{TOP}/name", None)),
    "data-is-a-number": workspace(["region", "top", "data", "3"], (f"{TOP}/data", 3)),
    "data-is-empty": workspace(["region", "top"], (f"{TOP}/data", [])),
    "data-has-text": workspace(["region", "top", "25"], (f"{TOP}/data/1", "25")),
    "data-has-null": workspace(["region", "top", "null"], (f"{TOP}/data/1", None)),
    "data-has-a-list": workspace(["region", "top", "[25.0]"], (f"{TOP}/data/1", [25.0])),
    "data-has-true": workspace(["region", "top", "true"], (f"{TOP}/data/1", True)),
    "modifiers-is-a-block": workspace(["region", "top", "modifiers"], (f"{TOP}/modifiers", {})),
    "modifier-is-text": workspace(["region", "top", "modifiers[1]", "top_scale"], (NORMSYS, "top_scale")),
    "modifier-name-is-a-number": workspace(["region", "top", "modifiers[1]", "name"], (f"{NORMSYS}/name", 1)),
    "modifier-type-is-null": workspace(["region", "top", "modifiers[1]", "type"], (f"{NORMSYS}/type", None)),
    "modifier-type-is-unknown": workspace(
        ["region", "top", "top_scale", "normsis", "normsys"], (f"{NORMSYS}/type", "normsis")
    ),
    "normsys-data-is-a-number": workspace(["region", "top", "top_scale", "1.1"], (f"{NORMSYS}/data", 1.1)),
    "normsys-lo-is-text": workspace(["region", "top", "top_scale", "low"], (f"{NORMSYS}/data/lo", "low")),
    "histosys-data-is-null": workspace(["region", "top", "jets", "null"], (f"{HISTOSYS}/data", None)),
    "histosys-data-is-a-number": workspace(["region", "top", "jets", "hi_data", "3"], (f"{HISTOSYS}/data/hi_data", 3)),
    "shapesys-data-is-null": workspace(["region", "fakes", "fakes_stat", "null"], (f"{SHAPESYS}/data", None)),
    "staterror-data-has-text": workspace(["region", "signal", "mc", "x"], (f"{STAT}/data/0", "x")),
    "observations-is-a-block": workspace("observations", ("observations", {})),
    "observation-is-a-number": workspace("observations[0]", ("observations/0", 55)),
    "observation-data-is-text": workspace(["region", "55"], ("observations/0/data", "55")),
    "observation-data-has-null": workspace(["region", "null"], ("observations/0/data/0", None)),
    "measurements-is-text": workspace("measurements", ("measurements", "first")),
    "measurements-is-empty": workspace("measurements", ("measurements", [])),
    "measurement-is-null": workspace("measurements[0]", ("measurements/0", None)),
    "measurement-config-is-a-list": workspace(["measurements[0]", "config"], (MEASUREMENT, [])),
    "poi-is-a-list": workspace(["measurements[0].config", "poi"], (f"{MEASUREMENT}/poi", ["mu"])),
    "parameters-is-a-block": workspace(["measurements[0].config", "parameters"], (f"{MEASUREMENT}/parameters", {})),
    "parameter-is-text": workspace("measurements[0].config.parameters[0]", (LUMI, "lumi")),
    "parameter-bounds-are-numbers": workspace(["lumi", "bounds", "0.5"], (f"{LUMI}/bounds", [0.5, 1.5])),
    "parameter-inits-is-a-number": workspace(["lumi", "inits", "1.0"], (f"{LUMI}/inits", 1.0)),
    "parameter-fixed-is-text": workspace(["lumi", "fixed", "yes"], (f"{LUMI}/fixed", "yes")),
    # numbers that cannot be
    "observation-is-negative": workspace(["region", "observed", "-3"], ("observations/0/data/1", -3)),
    "normsys-is-negative": workspace(["region", "top", "top_scale", "-0.9"], (f"{NORMSYS}/data/lo", -0.9)),
    "normsys-is-zero": workspace(["region", "top", "top_scale", "0"], (f"{NORMSYS}/data/lo", 0)),
    "lumi-sigma-is-negative": workspace(["lumi", "sigmas"], (f"{LUMI}/sigmas/0", -0.02)),
    "bounds-are-upside-down": workspace(["lumi", "bounds", "[1.5, 0.5]"], (f"{LUMI}/bounds/0", [1.5, 0.5])),
    "bounds-are-three": workspace(["lumi", "bounds", "[0.5, 1.0, 1.5]"], (f"{LUMI}/bounds/0", [0.5, 1.0, 1.5])),
    # lengths
    "data-is-too-short": workspace(["region", "top", "2", "3"], (f"{TOP}/data", [20.0, 25.0])),
    "observation-is-too-long": workspace(["region", "4", "3"], ("observations/0/data", [1.0, 2.0, 3.0, 4.0])),
    "histosys-is-too-short": workspace(["region", "top", "jets", "1", "3"], (f"{HISTOSYS}/data/lo_data", [1.0])),
    "shapesys-is-too-long": workspace(["region", "fakes", "fakes_stat", "4", "3"], (f"{SHAPESYS}/data", [1.0] * 4)),
    "staterror-is-too-short": workspace(["region", "signal", "mc", "2", "3"], (f"{STAT}/data", [0.5, 0.7])),
    "lumi-has-two-values": workspace(["lumi", "inits", "2", "1"], (f"{LUMI}/inits", [1.0, 1.0])),
    # missing
    **{
        f"{key}-is-missing": workspace(key, (key, DELETE))
        for key in ("channels", "observations", "measurements", "version")
    },
    "channel-name-is-missing": workspace(["channels[1]", "name"], ("channels/1/name", DELETE)),
    "samples-are-missing": workspace(["region", "samples"], ("channels/0/samples", DELETE)),
    "sample-name-is-missing": workspace(["region", "samples[2]", "name"], (f"{FAKES}/name", DELETE)),
    "data-is-missing": workspace(["region", "fakes", "data"], (f"{FAKES}/data", DELETE)),
    "modifiers-are-missing": workspace(["region", "fakes", "modifiers"], (f"{FAKES}/modifiers", DELETE)),
    "modifier-type-is-missing": workspace(["region", "top", "modifiers[1]", "type"], (f"{NORMSYS}/type", DELETE)),
    "normsys-hi-is-missing": workspace(["region", "top", "top_scale", "hi"], (f"{NORMSYS}/data/hi", DELETE)),
    "histosys-data-is-missing": workspace(["region", "top", "jets", "data"], (f"{HISTOSYS}/data", DELETE)),
    "histosys-lo-is-missing": workspace(["region", "top", "jets", "lo_data"], (f"{HISTOSYS}/data/lo_data", DELETE)),
    "shapesys-data-is-missing": workspace(["region", "fakes", "fakes_stat"], (f"{SHAPESYS}/data", DELETE)),
    "channel-has-no-observation": workspace(["control", "observation"], ("observations/1", DELETE)),
    "observation-data-is-missing": workspace(["region", "data"], ("observations/0/data", DELETE)),
    "config-is-missing": workspace(["measurements[0]", "config"], (MEASUREMENT, DELETE)),
    "poi-is-missing": workspace(["measurements[0].config", "poi"], (f"{MEASUREMENT}/poi", DELETE)),
    "parameter-name-is-missing": workspace(["parameters[0]", "name"], (f"{LUMI}/name", DELETE)),
    "lumi-has-no-width": workspace(["lumi", "sigmas"], (f"{LUMI}/sigmas", DELETE)),
    "lumi-is-not-set": workspace(["lumi", "auxdata", "sigmas"], (f"{MEASUREMENT}/parameters", [])),
    # twice
    "two-observations-of-a-channel": workspace(["region", "two observations"], ("observations", twice)),
    "two-normfactors-of-one-name": workspace(["region", "signal", "mu", "twice"], (f"{SIGNAL}/modifiers", twice)),
    "two-normsys-of-one-name": workspace(
        ["region", "top", "top_scale", "twice"],
        (f"{TOP}/modifiers", and_one({"name": "top_scale", "type": "normsys", "data": {"hi": 2.0, "lo": 0.5}})),
    ),
    "two-channels-of-one-name": workspace(["two channels", "region"], ("channels", twice)),
    "two-samples-of-one-name": workspace(["region", "signal", "twice"], ("channels/0/samples", twice)),
    "two-shapesys-of-one-name": workspace(["region", "fakes", "fakes_stat", "twice"], (f"{FAKES}/modifiers", twice)),
    "a-shapesys-on-two-samples": workspace(
        ["region", "top", "fakes_stat", "shapesys"],
        (f"{TOP}/modifiers", and_one(EVERY_MODIFIER["channels"][0]["samples"][2]["modifiers"][0])),
    ),
    "two-settings-of-a-parameter": workspace(["lumi", "twice"], (f"{MEASUREMENT}/parameters", twice)),
    "a-name-of-two-kinds": workspace(
        ["fakes_stat", "two kinds"],
        (f"{TOP}/modifiers", and_one({"name": "fakes_stat", "type": "normfactor", "data": None})),
    ),
    # the parameter of interest
    "poi-is-empty": workspace("POI", (f"{MEASUREMENT}/poi", "")),
    "poi-is-unknown": workspace(["POI", "'nu'"], (f"{MEASUREMENT}/poi", "nu")),
    "poi-is-a-vector": workspace(["fakes_stat", "3"], (f"{MEASUREMENT}/poi", "fakes_stat")),
    "poi-is-fixed": workspace(["mu", "fixed"], (f"{MEASUREMENT}/parameters", and_one({"name": "mu", "fixed": True}))),
    "poi-is-shared-with-a-vector": workspace(["mu", "two kinds"], (f"{SHAPESYS}/name", "mu")),
    "poi-is-a-normsys": workspace(["top_scale", "constraint", "normfactor"], (f"{MEASUREMENT}/poi", "top_scale")),
    "poi-is-a-histosys": workspace(["jets", "constraint"], (f"{MEASUREMENT}/poi", "jets")),
    "poi-is-the-luminosity": workspace(["lumi", "constraint"], (f"{MEASUREMENT}/poi", "lumi")),
    "poi-is-a-staterror": workspace(["mc", "3"], (f"{MEASUREMENT}/poi", "mc")),
    "poi-is-a-shapefactor": workspace(["other_shape", "2"], (f"{MEASUREMENT}/poi", "other_shape")),
    # uncertainties whose squares are no numbers
    "uncertainty-is-1e300": workspace(["region", "fakes", "fakes_stat", "1e+300"], (f"{SHAPESYS}/data/0", 1e300)),
    "uncertainty-is-1e-300": workspace(
        ["region", "fakes", "fakes_stat", "below 1e-50"], (f"{SHAPESYS}/data/0", 1e-300)
    ),
    # keys that are not known
    "unknown-key-at-the-top": workspace(["chanels"], ("chanels", [])),
    "unknown-key-of-a-channel": workspace(["region", "sample"], ("channels/0/sample", [])),
    "unknown-key-of-a-sample": workspace(["region", "top", "dta"], (f"{TOP}/dta", [])),
    "unknown-key-of-a-modifier": workspace(["region", "top", "top_scale", "nme"], (f"{NORMSYS}/nme", "x")),
    "unknown-key-of-an-observation": workspace(["region", "datta"], ("observations/0/datta", [])),
    "unknown-key-of-a-measurement": workspace(["measurements[0]", "konfig"], ("measurements/0/konfig", {})),
    "unknown-key-of-a-parameter": workspace(["lumi", "bound"], (f"{LUMI}/bound", [])),
    "hi-is-misspelt": workspace(["region", "top", "top_scale", "hi"], (f"{NORMSYS}/data", {"high": 1.1, "lo": 0.9})),
    "version-is-unknown": workspace(["version", "9"], ("version", "9")),
}

# Several problems of one object, each of which is told once.


def missing(*keys: str) -> list[str]:
    return [f"the key {key!r} is missing" for key in keys]


SEVERAL = {
    "everything": Bad({}, tuple(missing("version", "channels", "observations", "measurements"))),
    "channel": workspace(missing("name", "samples"), ("channels/1", {})),
    "sample": workspace(missing("name", "data", "modifiers"), (TOP, {})),
    "observation": workspace(missing("name", "data"), ("observations/0", {})),
    "measurement": workspace(missing("name", "config"), ("measurements/0", {})),
    "config": workspace(missing("poi", "parameters"), (MEASUREMENT, {})),
    "modifier": workspace(missing("name", "type"), (NORMSYS, {})),
    "modifier-of-a-type": workspace(missing("name", "data"), (NORMSYS, {"type": "normsys"})),
    "normsys": workspace(missing("lo", "hi"), (f"{NORMSYS}/data", {})),
    "histosys": workspace(
        [*missing("lo_data", "hi_data"), "unknown key 'up'", "unknown key 'down' (known are"],
        (f"{HISTOSYS}/data", {"up": [], "down": []}),
    ),
    "misspelt": workspace(
        ["unknown key 'nam' (did you mean 'name'?)", "unknown key 'dat' (did you mean 'data'?)", *missing("modifiers")],
        (TOP, {"nam": "top", "dat": [1.0]}),
    ),
    "two-objects": workspace(
        ["sample 'top'): the key 'data'", "sample 'fakes'): the key 'data'"],
        (f"{TOP}/data", DELETE),
        (f"{FAKES}/data", DELETE),
    ),
}

# What comes through a patch is not seen by pyhf's schema; compile.py looks for these.


# Bytes that are no JSON, as a workspace, a patch or a patch set. ------------------------------------------------------


def not_json(content: str | bytes, *words: str) -> Bad:
    return Bad(content, words)


GOOD = json.dumps(EVERY_MODIFIER)
GOOD_BYTES = GOOD.encode()
ZIPPED = gzip.compress(GOOD_BYTES, mtime=0)

HISTFACTORY = """<!DOCTYPE Combination SYSTEM "HistFactorySchema.dtd">
<Combination OutputFilePrefix="./results/x"><Input>./SR.xml</Input></Combination>"""


def tarball(mode: str) -> bytes:
    """An archive of one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        archive.addfile(tarfile.TarInfo("BkgOnly.json"), io.BytesIO())
    return packed.getvalue()


TEXTS = {
    "empty": not_json(b"", "not JSON: the file is empty"),
    "blank": not_json(" \n\n ", "not JSON: the file is empty"),
    **{
        f"cut-after-{part}-percent": not_json(GOOD[: len(GOOD) * part // 100], "not JSON", "column")
        for part in (1, 20, 50, 80, 99)
    },
    "cut-in-a-text": not_json('{"channels": [{"na', "not JSON", "line 1 column", "the file may be cut off"),
    "one-bracket": not_json("[", "not JSON", "line 1 column 2"),
    "prose": not_json("the workspace is on the other disk\n", "not JSON", "line 1 column 1"),
    "html": not_json("<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", "not JSON but a web page", "download"),
    "histfactory": not_json(
        HISTFACTORY, "not JSON but HistFactory XML", "pyhf xml2json", "--basedir . --output-file workspace.json"
    ),
    "histfactory-gzipped": not_json(gzip.compress(HISTFACTORY.encode()), "HistFactory XML", "pyhf xml2json"),
    "histfactory-without-doctype": not_json(HISTFACTORY.split("\n", 1)[1], "HistFactory XML", "pyhf xml2json"),
    "histfactory-channel": not_json(
        "<?xml version='1.0'?><!-- top -->\n<Channel Name='SR'/>", "XML of one channel", "xml2json measurement"
    ),
    "other-xml": not_json(
        "<svg xmlns='http://www.w3.org/2000/svg'/>", "not JSON but XML other than that of HistFactory"
    ),
    "root": not_json(b"root\x00\x00\xf7\xfe" + bytes(300), "not JSON but a ROOT file", "`histograms.root`"),
    "zip": not_json(b"PK\x03\x04" + bytes(100), "zip archive", "unpack"),
    "tar": not_json(tarball("w"), "tar archive", "unpack"),
    "tar-gzipped": not_json(tarball("w:gz"), "tar archive", "unpack"),
    "lfs": not_json("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "git lfs pull"),
    "csv": not_json("bin_low,bin_high,signal,observed\n0,1,2,3\n", "table of histograms", "`histograms.csv`"),
    "yaml": not_json("# mine\ndatasets:\n  a: {}\n", "a configuration"),
    "two-documents": not_json("{}\n{}", "not JSON", "line 2 column 1"),
    "trailing-comma": not_json('{"channels": [],}', "not JSON", "line 1 column"),
    "single-quotes": not_json("{'channels': []}", "not JSON", "line 1 column 2"),
    "comment": not_json('{\n// channels\n"channels": []}', "not JSON", "line 2 column 1"),
    **{
        f"the-number-{text[:9]}": not_json(
            GOOD.replace("25.0", text), "/channels/0/samples/1/data/1", "not a finite number"
        )
        for text in ("NaN", "Infinity", "-Infinity", "1e999", "-1e400", "1" + "0" * 400)
    },
    "a-number-of-10000-digits": not_json(GOOD.replace("25.0", "9" * 10_000), "digits"),
    "binary": not_json(bytes(range(256)) * 4, "not JSON"),
    "zero-bytes": not_json(bytes(1000), "not JSON"),
    "zero-byte-inside": not_json(GOOD_BYTES.replace(b"25.0", b"25\x00"), "not JSON", "column"),
    "latin-1": not_json(GOOD.replace("top", "t\xf6p").encode("latin-1"), "not JSON", "utf-8"),
    "utf-16-cut": not_json(GOOD.encode("utf-16")[:-3], "not JSON"),
    "gzip-cut": not_json(ZIPPED[:-20], "not JSON", "ended", "the file may be cut off"),
    "gzip-header-alone": not_json(ZIPPED[:5], "not JSON"),
    "gzip-damaged": not_json(ZIPPED[:60] + bytes(40) + ZIPPED[100:], "not JSON"),
    "gzip-then-garbage": not_json(ZIPPED + b"garbage", "not JSON"),
    "gzip-of-garbage": not_json(gzip.compress(bytes(range(256)), mtime=0), "not JSON"),
    "gzip-of-gzip": not_json(gzip.compress(ZIPPED, mtime=0), "not JSON"),
    "deep-lists": not_json("[" * DEEP + "]" * DEEP, "nested deeper"),
    "deep-objects": not_json('{"a":' * DEEP + "1" + "}" * DEEP, "nested deeper"),
    "60-lists": not_json("[" * 60 + "]" * 60, "nested deeper"),
    "a-key-twice": not_json(GOOD.replace('"version"', '"channels": [], "version"'), "'channels'", "twice"),
    "gzip-bomb": not_json(gzip.compress(b" " * 10_000_000, mtime=0) * 100, "200 MB", "max_megabytes"),
}


# JSON of another kind than the one that is wanted: (where it is given, content, words of the message).

HS3 = {"metadata": {"hs3_version": "0.2"}, "distributions": [], "likelihoods": [], "domains": [], "data": []}
MISTAKEN = {
    "hs3-as-workspace": ("workspace", HS3, ("HS3, not a pyhf workspace", "PrintXML", "pyhf xml2json")),
    "hs3-of-distributions-as-workspace": ("workspace", {"distributions": []}, ("HS3, not a pyhf workspace",)),
    "hs3-as-patchset": ("patchset", HS3, ("HS3, not a patch set",)),
    "hs3-as-patch": ("patch", HS3, ("HS3, not a patch:",)),
    "workspace-as-patchset": ("patchset", EVERY_MODIFIER, ("a pyhf workspace, not a patch set", "under `file`")),
    "workspace-as-patch": ("patch", EVERY_MODIFIER, ("a pyhf workspace, not a patch:", "under `file`")),
    "patchset-as-workspace": ("workspace", {"metadata": {}, "patches": []}, ("a patch set, not", "under `patchset`")),
    "patchset-as-patch": ("patch", {"metadata": {}, "patches": []}, ("a patch set, not a patch:", "under `patchset`")),
    "patch-as-workspace": ("workspace", [{"op": "test"}], ("a patch, not a pyhf workspace", "under `patches`")),
    "patch-as-patchset": ("patchset", [{"op": "test"}], ("a patch, not a patch set", "under `patches`")),
}


# Patches of a workspace without signal. -------------------------------------------------------------------------------

BACKGROUND = changed(EVERY_MODIFIER, (SIGNAL, DELETE))
ADDED = EVERY_MODIFIER["channels"][0]["samples"][0]


def add(value: Any = ADDED, path: str = "/channels/0/samples/0") -> dict:
    return {"op": "add", "path": path, "value": value}


def patch(words: str | list[str], *operations: Any) -> Bad:
    """A patch that adds the signal, with further operations."""
    return Bad([add(), *operations], (words,) if isinstance(words, str) else tuple(words))


def replace(value: Any, path: str) -> dict:
    return {"op": "replace", "path": path, "value": value}


def added(words: str | list[str], *changes: tuple[str, Any]) -> Bad:
    """A patch that adds a changed signal."""
    return Bad([add(changed(ADDED, *changes))], (words,) if isinstance(words, str) else tuple(words))


APPLIES_NOT = "the patch does not apply to the workspace"
PATCHES = {
    "no-signal": Bad([], ("POI", "'mu'")),
    "patch-is-an-object": Bad({"op": "add"}, (APPLIES_NOT,)),
    "patch-is-a-number": Bad(3, (APPLIES_NOT,)),
    "patch-is-null": Bad("null", (APPLIES_NOT,)),
    "patch-is-text": Bad('"add"', (APPLIES_NOT,)),
    "patch-is-a-list-of-lists": Bad([[add()]], (APPLIES_NOT,)),
    "patch-is-a-workspace": Bad(BACKGROUND, (APPLIES_NOT,)),
    "operation-is-null": patch(APPLIES_NOT, None),
    "op-is-missing": patch([APPLIES_NOT, "op"], {"path": "/version", "value": 1}),
    "op-is-unknown": patch([APPLIES_NOT, "ad"], {"op": "ad", "path": "/version", "value": 1}),
    "op-is-a-number": patch(APPLIES_NOT, {"op": 7, "path": "/version", "value": 1}),
    "path-is-missing": patch([APPLIES_NOT, "path"], {"op": "add", "value": 1}),
    "path-is-a-number": patch(APPLIES_NOT, {"op": "add", "path": 7, "value": 1}),
    "path-is-null": patch(APPLIES_NOT, {"op": "add", "path": None, "value": 1}),
    "path-has-no-slash": patch(APPLIES_NOT, add(1, "channels")),
    "path-has-a-wrong-escape": patch(APPLIES_NOT, add(1, "/~2")),
    "value-is-missing": patch([APPLIES_NOT, "value"], {"op": "add", "path": "/version"}),
    "from-is-missing": patch([APPLIES_NOT, "from"], {"op": "move", "path": "/version"}),
    "from-is-not-there": patch([APPLIES_NOT, "/nothing"], {"op": "copy", "from": "/nothing", "path": "/version"}),
    "moved-into-itself": patch(APPLIES_NOT, {"op": "move", "from": "/channels", "path": "/channels/0"}),
    "remove-what-is-not-there": patch([APPLIES_NOT, "/nothing"], {"op": "remove", "path": "/nothing"}),
    "replace-what-is-not-there": patch([APPLIES_NOT, "/channels/3"], replace(1, "/channels/3/name")),
    "test-fails": patch([APPLIES_NOT, "/version"], {"op": "test", "path": "/version", "value": "2"}),
    "index-is-too-large": Bad([add(path="/channels/7/samples/0")], (APPLIES_NOT, "/channels/7/samples/0")),
    "index-is-beyond-the-samples": Bad([add(path="/channels/0/samples/9")], (APPLIES_NOT, "/channels/0/samples/9")),
    "index-is-text": Bad([add(path="/channels/region/samples/0")], (APPLIES_NOT, "region")),
    "index-is-negative": Bad([add(path="/channels/-1/samples/0")], (APPLIES_NOT, "-1")),
    "index-is-huge": Bad([add(path=f"/channels/{'9' * 40}/samples/0")], (APPLIES_NOT,)),
    "index-has-10000-digits": Bad([add(path=f"/channels/{'9' * 10_000}/samples/0")], (APPLIES_NOT,)),
    "through-a-number": Bad([add(path="/channels/0/samples/0/data/0/x")], (APPLIES_NOT,)),
    "in-the-place-of-a-channel": Bad([add(path="/channels/0")], ("channel 'signal'", "data")),
    "in-another-channel": Bad([add(path="/channels/1/samples/0")], ("control", "signal", "3", "2")),
    "in-the-place-of-all-samples": Bad([add(path="/channels/0/samples")], ("region", "samples")),
    "an-empty-key": patch("unknown key", add(1, "/")),
    "an-unknown-key": patch("unknown key", add(1, "/chanels")),
    "removes-everything": patch(APPLIES_NOT, {"op": "remove", "path": ""}),
    "replaces-everything": patch("null", {"op": "replace", "path": "", "value": None}),
    "removes-the-channels": patch("channels", {"op": "remove", "path": "/channels"}),
    "removes-an-observation": patch(["region", "observation"], {"op": "remove", "path": "/observations/0"}),
    "removes-the-measurements": patch("measurements", {"op": "remove", "path": "/measurements"}),
    "shortens-the-observation": patch(["region", "1", "3"], replace([5.0], "/observations/0/data")),
    "makes-the-observation-negative": patch(["region", "-5"], replace(-5.0, "/observations/0/data/0")),
    "changes-the-observation": patch(["observed data", "region"], replace(56.0, "/observations/0/data/0")),
    "signal-added-twice": patch(["region", "signal", "twice"], add()),
    "signal-has-no-mu": added("'mu'", ("modifiers/0", DELETE)),
    "signal-has-another-mu": added("'mu'", ("modifiers/0/name", "mu_sig")),
    "signal-has-two-bins": added(["region", "2", "3"], ("data", [1.0, 2.0])),
    "signal-is-text": Bad([add("signal")], ("region", "samples[0]", "signal")),
    "signal-has-no-data": added(["region", "signal", "data"], ("data", DELETE)),
    "signal-has-an-unknown-key": added(["region", "signal", "dta"], ("dta", [])),
    "a-number-is-too-large": Bad(
        json.dumps([add()]).replace("9.0", "1e999"), ("/0/value/data/1", "not a finite number")
    ),
    "a-key-of-an-operation-twice": Bad('[{"op": "add", "op": "remove", "path": "/x"}]', ("'op'", "twice")),
}


# Patch sets. ----------------------------------------------------------------------------------------------------------

PATCHSET = {
    "version": "1.0.0",
    "metadata": {
        "references": {"hepdata": "ins1234567"},
        "description": "two signals",
        "digests": {"sha256": pyhf.utils.digest(BACKGROUND, algorithm="sha256")},
        "labels": ["mass"],
    },
    "patches": [{"metadata": {"name": f"m{mass}", "values": [mass]}, "patch": [add()]} for mass in (100, 200)],
}
META, PATCH = "metadata", "patches/0"


def patchset(words: str | list[str], *changes: tuple[str, Any]) -> Bad:
    return Bad(changed(PATCHSET, *changes), (words,) if isinstance(words, str) else tuple(words))


# All signals of the set are concerned.
PATCHSETS = {
    "patch-set-of-version-2": patchset(["version", "2.0.0"], ("version", "2.0.0")),
    "patch-set-whose-version-is-a-path": patchset(["version", "../x"], ("version", "../x")),
    "patch-set-whose-version-is-a-number": patchset(["version", "1"], ("version", 1)),
    "patch-set-without-a-version": patchset("version", ("version", DELETE)),
    "patch-set-of-another-workspace": patchset(["another workspace"], (f"{META}/digests/sha256", "0" * 64)),
    "patch-set-with-another-md5": patchset(["another workspace", "md5"], (f"{META}/digests", {"md5": "0" * 32})),
    "digest-is-too-short": patchset(["metadata.digests.sha256", "64"], (f"{META}/digests/sha256", "abc")),
    "digest-is-a-number": patchset("metadata.digests.sha256", (f"{META}/digests/sha256", 3)),
    "digest-of-an-unknown-kind": patchset(["metadata.digests", "sha1"], (f"{META}/digests", {"sha1": "abc"})),
    "digests-are-missing": patchset(["metadata", "digests"], (f"{META}/digests", DELETE)),
    "labels-are-missing": patchset(["metadata", "labels"], (f"{META}/labels", DELETE)),
    "labels-are-numbers": patchset("metadata.labels[0]", (f"{META}/labels", [3])),
    "a-label-with-a-space": patchset(["metadata.labels[0]", "m 1"], (f"{META}/labels", ["m 1"])),
    "references-are-missing": patchset(["metadata", "references"], (f"{META}/references", DELETE)),
    "reference-has-another-form": patchset(
        ["metadata.references.hepdata", "ins"], (f"{META}/references/hepdata", "12")
    ),
    "description-is-missing": patchset(["metadata", "description"], (f"{META}/description", DELETE)),
    "metadata-is-missing": patchset("metadata", (META, DELETE)),
    "unknown-key-of-a-patch-set": patchset("patchs", ("patchs", [])),
}
# One signal is concerned, m100; m200 has its limit.
SINGLE_PATCHES = {
    "patch-is-missing": patchset(["m100", "patch"], (f"{PATCH}/patch", DELETE)),
    "patch-is-a-block": patchset(["m100", "patches[0].patch"], (f"{PATCH}/patch", {})),
    "op-is-misspelt": patchset(["m100", "patches[0].patch[0]", "ad"], (f"{PATCH}/patch/0/op", "ad")),
    "values-are-missing": patchset(["m100", "values"], (f"{PATCH}/metadata/values", DELETE)),
    "two-values-for-a-label": patchset(["m100", "2", "mass"], (f"{PATCH}/metadata/values", [1, 2])),
    "value-is-a-list": patchset(["m100", "values[0]"], (f"{PATCH}/metadata/values", [[1]])),
    "two-patches-of-one-name": patchset(["two patches", "m100"], ("patches", twice)),
    "a-patch-in-the-wrong-place": patchset(
        ["m100", "/channels/7/samples/0"], (f"{PATCH}/patch/0/path", "/channels/7/samples/0")
    ),
}
# Names of patches that pyhf's schema refuses; they are shown as they are, and run nothing.
HOSTILE = [
    "../../x",
    "$(touch canary)",
    "; touch canary",
    "`touch canary`",
    "%2e%2e",
    "{x}",
    "-rf",
    "a'\"b",
    "µ → ∞",
    ".",
]


# Histograms. ----------------------------------------------------------------------------------------------------------

HEADER = "bin_low,bin_high,signal,background,observed\n"
LINES = "0,1,1.5,10,12\n1,2,2.5,11,9\n"
GOOD_CSV = HEADER + LINES


def csv(content: str | bytes, *words: str) -> Bad:
    return Bad(content, words)


CSV = {
    "csv-empty": csv("", "empty"),
    "csv-blank": csv("\n\n\n", "empty"),
    "csv-only-a-header": csv(HEADER, "no bins"),
    "csv-without-a-header": csv(LINES, "header", "bin_low", "0,1,1.5,10,12"),
    "csv-text-in-a-cell": csv(GOOD_CSV.replace("2.5", "many"), "line 3", "column signal", "'many'"),
    "csv-dash-in-a-cell": csv(GOOD_CSV.replace(",11,", ",-,"), "line 3", "column background", "'-'"),
    "csv-empty-cell": csv(GOOD_CSV.replace("2.5", ""), "line 3", "column signal", "''"),
    "csv-nan": csv(GOOD_CSV.replace("2.5", "NaN"), "line 3", "column signal", "'NaN'"),
    "csv-infinite-edge": csv(GOOD_CSV.replace("1,2,", "1,inf,"), "line 3", "column bin_high", "'inf'"),
    "csv-1e999": csv(GOOD_CSV.replace("2.5", "1e999"), "line 3", "column signal", "'1e999'"),
    "csv-decimal-comma": csv(GOOD_CSV.replace("2.5", '"2,5"'), "line 3", "column signal", "'2,5'"),
    "csv-decimal-comma-without-quotes": csv(GOOD_CSV.replace("2.5", "2,5"), "line 3", "6 cells", "5"),
    "csv-thousands": csv(GOOD_CSV.replace(",11,", ',"1 100",'), "line 3", "column background", "'1 100'"),
    "csv-semicolons": csv(GOOD_CSV.replace(",", ";"), "header", "bin_low", "commas"),
    "csv-tabs": csv(GOOD_CSV.replace(",", "\t"), "header", "commas"),
    "csv-spaces": csv(GOOD_CSV.replace(",", " "), "header", "commas"),
    "csv-gap": csv(GOOD_CSV.replace("1,2,", "1.5,2,"), "line 2", "gaps", "1.5"),
    "csv-overlap": csv(GOOD_CSV.replace("1,2,", "0.5,2,"), "line 2", "gaps", "0.5"),
    "csv-edges-descend": csv(HEADER + "1,2,1,10,12\n0,1,1,10,9\n", "line 2", "gaps"),
    "csv-low-above-high": csv(GOOD_CSV.replace("1,2,", "2,1,"), "line", "low edge first"),
    "csv-bin-without-width": csv(GOOD_CSV.replace("0,1,", "1,1,"), "line 2", "low edge first"),
    "csv-lacks-observed": csv("bin_low,bin_high,signal,background\n0,1,1,10\n", "column observed"),
    "csv-lacks-edges": csv("signal,background,observed\n1,10,12\n", "columns bin_low, bin_high"),
    "csv-lacks-the-signal": csv("bin_low,bin_high,background,observed\n0,1,10,12\n", "no column 'signal'"),
    "csv-signal-is-misspelt": csv(GOOD_CSV.replace("signal", "singal"), "no column 'signal'", "did you mean 'singal'"),
    "csv-two-columns-of-one-name": csv(GOOD_CSV.replace("background", "signal"), "two columns", "'signal'"),
    "csv-too-few-cells": csv(HEADER + "0,1,1.5,10\n", "line 2", "4 cells", "5"),
    "csv-too-many-cells": csv(HEADER + "0,1,1.5,10,12,7\n", "line 2", "6 cells", "5"),
    "csv-negative-observed": csv(GOOD_CSV.replace(",9\n", ",-9\n"), "line 3", "column observed", "-9"),
    "csv-negative-background": csv(
        GOOD_CSV.replace(",11,", ",-11,"), "sample 'background'", "shapesys 'stat'", "bin 2", "-11"
    ),
    "csv-channel-without-data": csv(
        "channel," + HEADER + "SR,0,1,1.5,10,12\nCR,0,1,1.5,10,\n", "channel 'CR'", "observed"
    ),
    "csv-channel-without-samples": csv(
        "channel,bin_low,bin_high,signal,background,other,observed\nSR,0,1,1,10,,9\nCR,0,1,,,10,9\n",
        "channel 'CR'",
        "none of the samples",
    ),
    "csv-open-quote": csv(HEADER + '0,1,"1.5,10,12\n1,2,2.5,11,9\n', "line 3", "cells"),
    "csv-newline-in-quotes": csv(GOOD_CSV.replace("2.5", '"2\n5"'), "line 4", "column signal", "'2\\n5'"),
    "csv-a-cell-without-end": csv(HEADER + '0,1,"' + "1" * 200_000, "line", "quotation mark"),
    "csv-zero-bytes": csv(GOOD_CSV.replace("2.5", "2\x005"), "line 3", "zero bytes"),
    "csv-binary": csv(bytes(range(128, 256)), "UTF-8", "byte 1"),
    "csv-utf-16": csv(GOOD_CSV.encode("utf-16"), "UTF-8"),
    "csv-latin-1": csv(GOOD_CSV.replace("signal", "S\xfcd").encode("latin-1"), "UTF-8", "byte 19"),
    "csv-gzipped": csv(gzip.compress(GOOD_CSV.encode(), mtime=0), "UTF-8"),
    "csv-html": csv("<html>\n<body>Not Found</body>\n</html>\n", "header", "<html>"),
    "csv-3000-columns-without-data": csv(",".join(f"c{i}" for i in range(3000)) + "\n", "header", "bin_low", "..."),
    "csv-a-json": csv('[{"bin_low": 0}]', "header", "bin_low"),
}


def root(folder: Path) -> Path:
    """A ROOT file with good histograms in SR, and others."""
    import uproot

    edges, values = np.array([0.0, 1.0, 2.0]), np.array([12.0, 9.0])
    with uproot.recreate(folder / "mine.root") as file:
        for name, factor in {"signal": 0.2, "background": 1.1, "data": 1}.items():
            file[f"SR/{name}"] = (factor * values, edges)
        file["shifted"] = (values, edges + 1)
        file["longer"] = (np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0, 3.0]))
        file["nan"] = (np.array([1.0, np.nan]), edges)
        file["negative"] = (np.array([1.0, -2.0]), edges)
        file["two"] = np.histogram2d([0.5], [0.5], bins=2)
        file["text"] = "not a histogram"
        file["tree"] = {"x": np.arange(3.0)}
        file["large"] = (np.zeros(8_000_000), np.linspace(0, 1, 8_000_001))  # a kB for each MB
    return folder / "mine.root"


# The histogram that is named for the signal or, if two, for the data too.
ROOT = {
    "root-no-such-histogram": (("SR/sgnal",), ("no histogram 'SR/sgnal'", "SR/signal", "did you mean")),
    "root-a-folder": (("SR",), ("'SR'", "one-dimensional", "folder")),
    "root-two-dimensions": (("two",), ("'two'", "one-dimensional", "TH2")),
    "root-a-tree": (("tree",), ("'tree'", "one-dimensional")),
    "root-a-text": (("text",), ("'text'", "one-dimensional", "TObjString")),
    "root-shifted-bins": (("shifted",), ("'shifted'", "other bins")),
    "root-more-bins": (("longer",), ("'longer'", "other bins")),
    "root-nan": (("nan",), ("'nan'", "bin 2", "nan")),
    "root-negative-data": (("SR/signal", "negative"), ("'negative'", "bin 2", "-2")),
    "root-too-large": (("large",), ("'large'", "64 MB")),
    "root-empty-name": (("",), ("''",)),
    "root-a-name-of-another-kind": (("SR/signal;9",), ("'SR/signal;9'",)),
}

MODEL = {
    "samples": {
        "signal": [{"name": "mu", "type": "normfactor"}],
        "background": [{"name": "stat", "type": "shapesys", "uncertainty": "sqrt"}],
    }
}
EXTRA = "samples/background/0"

# Models that do not fit the good histograms: changes and words.
MODELS = {
    "model-names-an-unknown-sample": ([("samples/top", [])], ("no column 'top'", "background")),
    "model-names-an-unknown-column": (
        [(f"{EXTRA}/uncertainty", {"column": "backgroun"})],
        ("sample 'background'", "shapesys 'stat'", "no column 'backgroun'", "did you mean 'background'"),
    ),
    "model-has-too-few-uncertainties": (
        [(f"{EXTRA}/uncertainty", [1.0])],
        ("sample 'background'", "shapesys 'stat'", "1 uncertainties", "2 bins"),
    ),
    "model-names-an-unknown-channel": (
        [(f"{EXTRA}/channels", ["SR"])],
        ("sample 'background'", "shapesys 'stat'", "no channel 'SR'"),
    ),
    "model-varies-to-an-unknown-column": (
        [(EXTRA, {"name": "jes", "type": "histosys", "up": "up", "down": "down"})],
        ("sample 'background'", "histosys 'jes'", "no column 'up'"),
    ),
    "model-has-raw-data-of-another-type": (
        [(EXTRA, {"name": "jes", "type": "histosys", "data": 3})],
        ("sample 'background'", "histosys 'jes'", "3"),
    ),
    "model-has-raw-data-of-another-length": (
        [(EXTRA, {"name": "stat", "type": "staterror", "data": [1.0]})],
        ("sample 'background'", "staterror 'stat'", "1", "2"),
    ),
    "model-fixes-mu": ([("parameters", [{"name": "mu", "fixed": True}])], ("mu", "fixed")),
    "model-has-a-poi-on-a-vector": ([(f"{EXTRA}/name", "mu")], ("'mu'", "two kinds")),
    "model-sets-two-values-of-mu": ([("parameters", [{"name": "mu", "inits": [1, 2]}])], ("inits", "'mu'")),
}


# Cross sections of a grid with the label `mass` and the points 100 and 200. -------------------------------------------

XS = "mass,cross_section,cross_section_error\n"
GOOD_XS = XS + "100,2.0,0.1\n200,1.0,0.1\n"
CROSS_SECTIONS = {
    "xs-empty": csv("", "empty"),
    "xs-only-a-header": csv(XS, "no row"),
    "xs-text": csv(GOOD_XS.replace("2.0", "two"), "line 2", "column cross_section", "'two'"),
    "xs-empty-cell": csv(GOOD_XS.replace("2.0", ""), "line 2", "column cross_section", "''"),
    "xs-infinite": csv(GOOD_XS.replace("2.0", "inf"), "line 2", "column cross_section", "'inf'"),
    "xs-a-huge-integer": csv(GOOD_XS.replace("2.0", "9" * 400), "line 2", "column cross_section"),
    "xs-negative": csv(GOOD_XS.replace("2.0", "-2.0"), "line 2", "not positive", "mass = 100"),
    "xs-zero": csv(GOOD_XS.replace("2.0", "0"), "line 2", "not positive", "mass = 100"),
    "xs-negative-error": csv(GOOD_XS.replace("0.1\n200", "-0.1\n200"), "line 2", "not positive", "mass = 100"),
    "xs-lacks-the-error": csv("mass,cross_section\n100,2.0\n", "cross_section_error"),
    "xs-unknown-label": csv(GOOD_XS.replace("mass", "m1"), "mass", "m1"),
    "xs-without-a-label": csv("cross_section,cross_section_error\n2.0,0.1\n", "mass"),
    "xs-two-columns-of-one-name": csv(GOOD_XS.replace("mass", "cross_section"), "two columns", "'cross_section'"),
    "xs-a-row-twice": csv(GOOD_XS + "\n100.0,3,0.1\n", "line 5", "twice", "mass = 100"),
    "xs-too-many-cells": csv(GOOD_XS.replace("0.1\n200", "0.1,7\n200"), "line 2", "4 cells", "3"),
    "xs-of-other-points": csv(XS + "300,1,0.1\n", "no row", "mass = 300", "mass = 100"),
    "xs-semicolons": csv(GOOD_XS.replace(",", ";"), "columns", "cross_section"),
    "xs-binary": csv(bytes(range(128, 256)), "UTF-8"),
    "xs-zero-bytes": csv(GOOD_XS.replace("2.0", "2\x000"), "line 2", "zero bytes"),
}


# Configurations. ------------------------------------------------------------------------------------------------------

FULL_CONFIG = """
datasets:
  simulated:
    simulate:
      seed: 1
      bins: {number: 4, low: 0, high: 10}
      components:
        normal: {shape: normal, mean: 5, width: 1, expected: 44, observed: 35}
        uniform: {shape: uniform, low: 0, high: 10, expected: 200, observed: 204}
        exponential: {shape: exponential, scale: 3, low: 1, expected: 200, observed: 204}
  edges:
    simulate:
      seed: 1
      bins: [0, 1, 2.5]
      components:
        uniform: {shape: uniform, low: 0, high: 10, expected: 200, observed: 204}
  table: {histograms: {csv: FOLDER/a.csv}}
  rooted: {histograms: {root: {file: FOLDER/a.csv, channels: {SR: {signal: a, background: b, observed: c}}}}}
  counted: {histograms: {counts: {SR: {signal: 1.5, background: [4.5], observed: [6]}}}}
  published:
    workspace: {file: FOLDER/w.json, patchset: FOLDER/set.json, signals: all, measurement: m, max_megabytes: 20}
  loose: {workspace: {file: FOLDER/w.json, patches: FOLDER/m_1.json, signals: [m_1], labels: "m_{mass}"}}
models:
  full:
    poi: mu
    samples:
      signal:
        - {name: mu, type: normfactor}
        - {name: lumi, type: lumi}
        - {name: xsec, type: normsys, up: 1.08, down: 0.93}
      background:
        - {name: norm, type: normfactor}
        - {name: mc, type: staterror, uncertainty: {column: background}, channels: [SR]}
        - {name: scale, type: histosys, up: a, down: b}
        - {name: closure, type: shapesys, uncertainty: 0.05}
        - {name: raw, type: normsys, data: {hi: 1.1, lo: 0.9}}
        - {name: shape, type: shapefactor}
    parameters:
      - {name: lumi, auxdata: [1.0], sigmas: [0.02], inits: [1.0], bounds: [[0.9, 1.1]], fixed: false}
      - {name: closure, factors: [1.0]}
scan:
  mu: {start: 0, stop: 5, number: 6}
  mu_per_job: 2
  signals_per_job: 2
  confidence_level: 0.95
  test_statistic: qtilde
  calculators: [asymptotics, toybased]
  toys: {target: 0.1, max: 1000, block: 10, seed: 1, jobs: 2, max_failed_fraction: 0.1, show: [1.0]}
  engine: newton
  interpolation: {normsys: code4, histosys: code4p}
  plots: [brazil]
analyses:
  first: {dataset: simulated, model: full, mu: [0, 1], toys: {per_hypothesis: 10}}
  second: {dataset: published, mu: auto, confidence_level: 0.95}
  third: {dataset: loose, mu: auto}
grids:
  plane:
    analyses: [second]
    calculator: asymptotics
    x: mass
    axis_labels: {mass: "m [GeV]"}
    diagonal: 1.5
    numbers: true
    cross_sections: {csv: FOLDER/xs.csv, unit: pb}
"""


def laughs(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines)


GOOD_YAML = "datasets:\n  a: {histograms: {counts: {SR: {signal: 1, observed: 2}}}}\nanalyses:\n  a: {dataset: a}\n"
YAML = {
    "yaml-empty": csv("", "datasets:"),
    "yaml-only-a-comment": csv("# nothing\n", "datasets:"),
    "yaml-a-list": csv("- datasets\n- analyses\n", "datasets:"),
    "yaml-a-text": csv("datasets", "datasets:"),
    "yaml-a-number": csv("3", "datasets:"),
    "yaml-tabs": csv("datasets:\n\ta: 1\n", "line 2, column 1", "tabs"),
    "yaml-open-bracket": csv("datasets: [a, b\nanalyses: {}\n", "line 2"),
    "yaml-open-quote": csv("datasets: 'a\nanalyses: {}\n", "line"),
    "yaml-a-colon-too-many": csv("datasets: a: b\n", "line 1, column 12"),
    "yaml-indentation": csv("datasets:\n    a: 1\n  b: 2\n", "line 3"),
    "yaml-key-twice": csv(GOOD_YAML + "datasets: {}\n", "line 5", "'datasets'", "twice", "line 1"),
    "yaml-inner-key-twice": csv("datasets:\n  a: 1\n  b: 1\n  a: 2\n", "line 4", "'a'", "twice", "line 2"),
    "yaml-billion-laughs": csv(laughs(9), "line", "too many"),
    "yaml-self-reference": csv("datasets: &a\n  b: *a\n", "line", "too many"),
    "yaml-unknown-alias": csv("datasets: *a\n", "line 1", "alias"),
    "yaml-python-object": csv("datasets: !!python/object/apply:os.system ['touch canary']\n", "line 1", "python"),
    "yaml-python-name": csv("datasets: !!python/name:os.system\n", "line 1", "python"),
    "yaml-unknown-tag": csv("datasets: !histogram {}\n", "line 1", "!histogram"),
    "yaml-two-documents": csv("datasets: {}\n---\nanalyses: {}\n", "line 2"),
    "yaml-deep": csv("[" * DEEP + "]" * DEEP, "wrong.yaml"),
    "yaml-deep-blocks": csv("{a: " * DEEP + "1" + "}" * DEEP, "wrong.yaml"),
    "yaml-binary": csv(bytes(range(256)), "wrong.yaml"),
    "yaml-zero-bytes": csv(GOOD_YAML + "\0", "wrong.yaml"),
    "yaml-latin-1": csv("# m\xfc\n".encode("latin-1") + GOOD_YAML.encode(), "text"),
    "yaml-gzip": csv(gzip.compress(GOOD_YAML.encode(), mtime=0), "wrong.yaml"),
    "yaml-json-cut": csv('{"datasets": {"a": ', "line 2, column 1"),
    "yaml-large": csv(b"# " + b"x" * 10_000_001, "10 MB"),
}
