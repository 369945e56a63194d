"""Workspaces of the published likelihoods in the folder of reference data."""

from pathlib import Path

import jsonpatch

from muscan.base.json_input import read_json


def published(data: Path, name: str) -> dict:
    """The workspace of one signal of a published likelihood."""
    if name == "sbottom-A":
        patch = read_json(data / name / "patches" / "sbottom_1300_205_60.json")
    else:
        (patchset,) = (data / name).glob("patchset.json*")
        wanted = {"1Lbb": "C1N2_Wh_hbb_1000_0", "stau-highmass": "DS_400_40"}[name]
        patch = next(each["patch"] for each in read_json(patchset)["patches"] if wanted in each["metadata"]["name"])
    return jsonpatch.JsonPatch(patch).apply(read_json(data / name / "BkgOnly.json.gz"))
