"""What a file is that was taken for another, and what to do with it."""

import re
from typing import Any

WHOLE = "Combination"  # what the XML of a measurement begins with
XML_ROOTS = {WHOLE: "HistFactory XML", "Channel": "HistFactory XML of one channel"}
XML_ADVICE = (
    "convert the XML of the whole measurement, and name the workspace that comes out: pyhf xml2json {file} --basedir . "
    "--output-file workspace.json; --basedir is the folder from which it names the other XML files and the ROOT files"
)
HS3_ADVICE = (
    "muscan reads pyhf's JSON alone. Where the model was made, write it as HistFactory XML (in ROOT: "
    "Measurement.PrintXML), and convert that: pyhf xml2json measurement.xml --basedir . --output-file workspace.json"
)
HS3_KEYS = {"distributions", "likelihoods", "parameter_points"}  # of its top level; pyhf has none of them
HEAD = 4000  # bytes of a file that are looked at
# How files begin, and what to do with them.
BEGINNINGS = {
    b"root": "a ROOT file: name its histograms under `histograms.root`; a RooFit workspace in it cannot be read",
    b"PK\x03\x04": "a zip archive: unpack it, and name the file in it",
    b"\x89HDF": "an HDF5 file, which muscan does not read",
    b"%PDF": "a PDF document",
    b"version https://git-lfs": "a pointer of Git LFS: fetch the file itself with git lfs pull",
}
WHERE = {
    "a pyhf workspace": "it belongs under `file`; for make init it is FROM",
    "a patch set": "it belongs under `patchset`, its workspace under `file`; for make init they are PATCHSET and FROM",
    "a patch": "patches belong under `patches`, their workspace under `file`; for make init they are PATCHES and FROM",
    "HS3": HS3_ADVICE,
}
TAR = b"ustar"  # 257 bytes from the beginning of an archive


def of_bytes(content: bytes, file: str) -> str:
    """What a file is that is not JSON, and what to do; empty if it is not known.

    Args:
        content: of the file, unpacked.
        file: its name, for the commands.
    """
    head = content[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    for beginning, what in BEGINNINGS.items():
        if head.startswith(beginning):
            return what
    if content[257:].startswith(TAR):
        return "a tar archive: unpack it (tar -xf), and name the file in it"
    return _of_text(head.decode("utf-8", errors="replace"), file)


def _of_text(head: str, file: str) -> str:
    """The same of a text, from its beginning."""
    if head.startswith("<"):
        elements = re.findall(r"<!DOCTYPE\s+(\w+)|<(\w+)", head)
        first = next((doctype or name for doctype, name in elements), "")
        if first in XML_ROOTS:
            return f"{XML_ROOTS[first]}: {XML_ADVICE.format(file=file if first == WHOLE else 'measurement.xml')}"
        return "a web page: the download went wrong" if first.lower() == "html" else "XML, not that of HistFactory"
    if re.match(r"(#.*\n|---.*\n|\s)*(datasets|models|scan|analyses|grids):", head):
        return "a configuration in YAML, where a workspace or patches were expected"
    if re.match(r"(channel,)?bin_low,", head):
        return "a table of histograms: name it under `histograms.csv` of the data set"
    return ""


def of_json(value: Any) -> str | None:
    """What a document of JSON is: "a pyhf workspace", "a patch set", "a patch", "HS3", or None."""
    if isinstance(value, list):
        return "a patch" if value and all(isinstance(each, dict) and "op" in each for each in value) else None
    if not isinstance(value, dict):
        return None
    if "channels" in value:
        return "a pyhf workspace"
    if "patches" in value:
        return "a patch set"
    metadata = value.get("metadata")
    if HS3_KEYS & value.keys() or (isinstance(metadata, dict) and "hs3_version" in metadata):
        return "HS3"
    return None


def instead_of(wanted: str, value: Any) -> str:
    """What a document is in the place of another, and where it belongs; empty if it may be the wanted one.

    Args:
        wanted: one of the answers of `of_json`.
    """
    found = of_json(value)
    if found in (None, wanted):
        return ""
    return f"{found}, not {wanted}: {WHERE[found]}"
