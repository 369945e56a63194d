"""The description of a run as an RO-Crate, by the profile Workflow Run Crate 0.5.

Source: https://w3id.org/ro/wfrun/workflow/0.5, which extends https://w3id.org/ro/crate/1.1.
"""

import hashlib
import mimetypes
import re
from typing import Any

from rocrate.model import ComputationalWorkflow, ContextEntity, Dataset, File, Person
from rocrate.rocrate import ROCrate

from muscan.commands.crate_contents import CODE, Contents, CrateSettings, Part
from muscan.records.manifest import Manifest

RUN_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
# RO-Crate 1.1 has no term for digests; the profile of runs has.
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
BIOSCHEMAS = "https://bioschemas.org/profiles/{}/1.0-RELEASE"
FORMATS = {".md": "text/markdown", ".yaml": "application/yaml", ".npz": "application/zip", ".smk": "text/plain"}
PERSON = re.compile(r"(?P<name>[^<>]+?)\s*(?:<(?P<orcid>https://orcid\.org/\d{4}-\d{4}-\d{4}-\d{3}[\dX])>)?")
NO_LICENSE = "Those who publish the results have not stated a license. The license of muscan's code is BSD-3-Clause."


def metadata(manifest: Manifest, contents: Contents, settings: CrateSettings, day: str) -> dict[str, Any]:
    """Return the content of ro-crate-metadata.json.

    Args:
        manifest: of the run.
        contents: the files of the crate.
        settings: what the crate says beyond its files.
        day: on which the run ended, as YYYY-MM-DD.
    """
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms = TERMS
    authors = [_add_person(crate, author, number) for number, author in enumerate(settings.author, 1)]
    crate.name, crate.description = settings.title, _describe(manifest, contents)
    crate.root_dataset["datePublished"] = day
    crate.root_dataset["license"] = _add_license(crate, settings.license)
    profiles = {url: {"name": name, "version": version} for url, (name, version) in RUN_PROFILES.items()}
    crate.root_dataset["conformsTo"] = [_add(crate, url, "CreativeWork", **each) for url, each in profiles.items()]
    _add_file(crate, contents.readme)["about"] = crate.root_dataset
    _add_file(crate, contents.manifest, name="versions, configuration, digests of inputs and results")
    workflow = _add_workflow(crate, manifest)
    run = _add(crate, "#run", "CreateAction", name="run of muscan", description=crate.description, endTime=day)
    run["actionStatus"], run["instrument"] = "http://schema.org/CompletedActionStatus", workflow
    crate.root_dataset["mentions"] = run
    _add_data(crate, run, manifest, contents)
    if authors:
        crate.root_dataset["author"] = run["agent"] = _single(authors)
    return crate.metadata.generate()


def _add_data(crate: ROCrate, run: ContextEntity, manifest: Manifest, contents: Contents) -> None:
    """Add configuration, inputs and results, and connect them with the run and the workflow."""
    digests = {record["file"]: record["sha256"] for record in [*manifest.inputs, *manifest.results]}
    config = _add_file(crate, contents.config, name="configuration")
    sources = {record["file"]: record.get("fetched_from", "") for record in manifest.inputs}
    inputs = [
        _add_file(crate, part, sha256=digests[file], **_origin(sources[file])) for file, part in contents.inputs.items()
    ]
    results = [_add_file(crate, part, sha256=digests[part.name]) for part in contents.results]
    hidden = [
        _add(crate, f"#hidden-{number}", "CreativeWork", name=f"hidden input {number}", sha256=digests[file])
        for number, file in enumerate(contents.hidden, 1)
    ]
    run["object"], run["result"] = _single([config, *inputs, *hidden]), _single(results)
    parameters = [_add_parameter(crate, "configuration", [config])]
    parameters += [_add_parameter(crate, "inputs", inputs)] if inputs else []
    run["instrument"]["input"] = _single(parameters)
    run["instrument"]["output"] = _add_parameter(crate, "results", results)


def _describe(manifest: Manifest, contents: Contents) -> str:
    text = f"Limits of the analyses {', '.join(manifest.config['analyses'])}: inputs, configuration, workflow, results."
    if contents.hidden:
        text += " Inputs that may hold the data of blind analyses are not included; their digests are."
    if manifest.problems:
        text += f" Not run: {'; '.join(manifest.problems)}"
    return text


def _origin(query: str) -> dict[str, str]:
    """Return the property that says from which web address an input was fetched, if it was."""
    return {"isBasedOn": query} if query.startswith(("https://", "http://")) else {}


def _single(values: list) -> Any:
    """Return a list, or its only value, as RO-Crate recommends."""
    return values[0] if len(values) == 1 else values


def _add(crate: ROCrate, identifier: str, kind: str, **properties) -> ContextEntity:
    """Add an entity that is no file."""
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _add_file(crate: ROCrate, part: Part, kind: type[File] = File, **properties) -> File:
    """Add a file with its format, size in bytes and SHA-256 digest."""
    size = len(part.content()) if isinstance(part.source, str) else part.source.stat().st_size
    digest = properties.pop("sha256", None) or hashlib.sha256(part.content()).hexdigest()
    suffix = part.name[part.name.rfind(".") :]
    kind_of_file = FORMATS.get(suffix) or mimetypes.guess_type(part.name)[0] or "text/plain"
    known = {"encodingFormat": kind_of_file, "contentSize": str(size), "sha256": digest}
    return crate.add(kind(crate, dest_path=part.name, properties={"name": part.name, **known, **properties}))


def _add_workflow(crate: ROCrate, manifest: Manifest) -> ComputationalWorkflow:
    """Add muscan as the main entity, with the packages that it used."""
    known = dict(manifest.versions)
    version, code = known.pop("muscan"), known.pop("code")
    crate.add(Dataset(crate, dest_path=f"{CODE}/", properties={"name": "the code of muscan", "version": version}))
    workflow = crate.add_workflow(
        dest_path=f"{CODE}/Snakefile", main=True, lang="snakemake", lang_version=known["snakemake"]
    )
    license_ = _add(crate, "https://spdx.org/licenses/BSD-3-Clause", "CreativeWork", name="BSD-3-Clause")
    packages = [_add_package(crate, *each) for each in known.items()]
    digest = _add(crate, "#code", "PropertyValue", name="SHA-256 digest of the code", value=code)
    properties = {
        "name": "muscan",
        "version": version,
        "encodingFormat": "text/plain",
        "license": license_,
        "identifier": digest,
    }
    properties |= {"conformsTo": {"@id": BIOSCHEMAS.format("ComputationalWorkflow")}, "softwareRequirements": packages}
    for key, value in properties.items():
        workflow[key] = value
    return workflow


def _add_package(crate: ROCrate, name: str, version: str) -> ContextEntity:
    """Add a package, or Python, in the version that the run used."""
    url = f"https://pypi.org/project/{name}/{version}/"
    if name == "python":
        url = f"https://www.python.org/downloads/release/python-{version.replace('.', '')}/"
    return _add(crate, url, "SoftwareApplication", name=name, version=version, url=url)


def _add_parameter(crate: ROCrate, name: str, files: list[File]) -> ContextEntity:
    """Add an input or output of the workflow, and connect it with its files of this run."""
    parameter = _add(crate, f"#{name}", "FormalParameter", name=name, additionalType="File")
    parameter["conformsTo"] = {"@id": BIOSCHEMAS.format("FormalParameter")}
    parameter["workExample"] = _single(files)
    for file in files:
        file["exampleOfWork"] = parameter
    return parameter


def _add_person(crate: ROCrate, author: str, number: int) -> Person:
    found = PERSON.fullmatch(author)
    name, orcid = (found["name"], found["orcid"]) if found else (author, None)
    return crate.add(Person(crate, orcid or f"#author-{number}", properties={"name": name}))


def _add_license(crate: ROCrate, url: str | None) -> ContextEntity:
    if url is None:
        return _add(crate, "#license", "CreativeWork", name="not stated", description=NO_LICENSE)
    return _add(crate, url, "CreativeWork", name=url)
