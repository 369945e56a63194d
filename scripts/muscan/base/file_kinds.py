"""Recognise files of the wrong kind, and advise what to do with them."""

import re
from typing import Any

MEASUREMENT_XML = "Combination"  # root element of the XML of a whole measurement
# Root elements of XML files, and what the file is.
XML_ROOTS = {MEASUREMENT_XML: "HistFactory XML", "Channel": "HistFactory XML of one channel"}
XML_ADVICE = (
    "convert the XML of the whole measurement, and name the resulting workspace: pyhf xml2json {file} --basedir . "
    "--output-file workspace.json; --basedir is the folder to which the paths of the other XML files and of the ROOT "
    "files in it are relative"
)
HS3_ADVICE = (
    "muscan reads workspaces in pyhf's JSON only. Write the model as HistFactory XML with the program that made it (in "
    "ROOT: Measurement.PrintXML), and convert that: pyhf xml2json measurement.xml --basedir . --output-file "
    "workspace.json"
)
HS3_KEYS = {"distributions", "likelihoods", "parameter_points"}  # top-level keys of HS3 that pyhf's JSON does not have
HEAD = 4000  # number of bytes at the beginning of a file that are examined
# First bytes of files: what the file is, and what to do with it.
BEGINNINGS = {
    b"root": "a ROOT file: name its histograms under `histograms.root`; a RooFit workspace in it cannot be read",
    b"PK\x03\x04": "a zip archive: unpack it, and name the file in it",
    b"\x89HDF": "an HDF5 file, which muscan does not read",
    b"%PDF": "a PDF document",
    b"version https://git-lfs": "a pointer of Git LFS: fetch the file itself with git lfs pull",
}
# Kinds of JSON documents: where a document of this kind belongs.
PLACES = {
    "a pyhf workspace": "it belongs under `file`; for make init it is FROM",
    "a patch set": "it belongs under `patchset`, its workspace under `file`; for make init they are PATCHSET and FROM",
    "a patch": "patches belong under `patches`, their workspace under `file`; for make init they are PATCHES and FROM",
    "HS3": HS3_ADVICE,
}
TAR = b"ustar"  # found 257 bytes after the beginning of a tar archive


def describe_content(content: bytes, file: str) -> str:
    """Describe a file that is not JSON: what it is, and what to do with it.

    Args:
        content: the content of the file, decompressed.
        file: the name of the file, for commands in the advice.

    Returns:
        The description, or "" if the kind of the file is not known.
    """
    head = content[:HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    for beginning, what in BEGINNINGS.items():
        if head.startswith(beginning):
            return what
    if content[257:].startswith(TAR):
        return "a tar archive: unpack it (tar -xf), and name the file in it"
    return _describe_text(head.decode("utf-8", errors="replace"), file)


def _describe_text(head: str, file: str) -> str:
    """Describe a text file from its beginning, like `describe_content`."""
    if head.startswith("<"):
        elements = re.findall(r"<!DOCTYPE\s+(\w+)|<(\w+)", head)
        first = next((doctype or name for doctype, name in elements), "")
        if first in XML_ROOTS:
            measurement = file if first == MEASUREMENT_XML else "measurement.xml"
            return f"{XML_ROOTS[first]}: {XML_ADVICE.format(file=measurement)}"
        return (
            "a web page: the download went wrong" if first.lower() == "html" else "XML other than that of HistFactory"
        )
    if re.match(r"(#.*\n|---.*\n|\s)*(datasets|models|scan|analyses|grids):", head):
        return "a configuration in YAML, where a workspace or a patch was expected"
    if re.match(r"(channel,)?bin_low,", head):
        return "a table of histograms: name it under `histograms.csv` of the data set"
    return ""


def kind_of_json(value: Any) -> str | None:
    """Return the kind of a JSON document: one of the keys of `PLACES`, or None if it is of no known kind."""
    if isinstance(value, list):
        return "a patch" if value and all(isinstance(entry, dict) and "op" in entry for entry in value) else None
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


def describe_mismatch(wanted: str, value: Any) -> str:
    """Describe a document that is not of the wanted kind: what it is, and where it belongs.

    Args:
        wanted: the kind that is needed, one of the keys of `PLACES`.
        value: the JSON document.

    Returns:
        The description, or "" if the document is of the wanted kind or of no known kind.
    """
    kind = kind_of_json(value)
    if kind in (None, wanted):
        return ""
    return f"{kind}, not {wanted}: {PLACES[kind]}"
