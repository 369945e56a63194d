#!/usr/bin/env python
"""Write the conda environments, with the pins of the requirements lock.

Reads requirements.in and requirements.txt, writes muscan.yaml, in which everything runs, and for `--sdm conda` an
environment for the rules of each stage. The packages come from PyPI there too: conda channels do not have every pinned
version. Needs uv, which finds the packages that those of an environment depend on.
"""

import re
import subprocess
from pathlib import Path

ENVS = Path(__file__).parent
# Rules of one stage share an environment: {name: packages that their scripts import}. Digests and versions of packages
# are in all results of fits, so those of all engines are there.
ENVIRONMENTS = {
    "histograms": ["numpy", "uproot", "jsonschema", "pyyaml"],
    "workspaces": ["numpy", "pyhf", "jsonschema", "jsonpatch", "referencing"],
    "fits": ["numpy", "scipy", "iminuit", "pyhf", "jsonschema", "jsonpatch", "referencing"],
    "plots": ["numpy", "scipy", "iminuit", "pyhf", "pandas", "matplotlib"],
    "tables": ["numpy", "scipy", "pandas", "rich"],
    "hepdata": ["numpy", "scipy", "pandas", "matplotlib", "hepdata-lib"],
    "report": ["numpy", "scipy", "iminuit", "pyhf", "pyyaml", "jinja2", "markupsafe"],
}
ALL = """# For conda users, with the pins of requirements.txt; made by `make lock`.
# conda env create -f envs/muscan.yaml, then conda activate muscan, then snakemake.
name: muscan
"""
STAGE = "# What these rules need, with the pins of requirements.txt; made by `make lock`. For snakemake --sdm conda.\n"
BASE = """channels: [conda-forge, nodefaults]
dependencies:
  - python >=3.11,<3.15
  - pip
  - pip:
"""


def wanted(requirements_in: str) -> list[str]:
    """Packages that muscan asks for, with their extras."""
    lines = [line.split("#")[0].strip() for line in requirements_in.splitlines()]
    return [re.match(r"[A-Za-z0-9._-]+(\[.*\])?", line)[0] for line in lines if line]


def pins(requirements_txt: str) -> dict[str, str]:
    """{package: version} of a lock file."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", requirements_txt, re.MULTILINE))


def environment() -> str:
    pinned = pins((ENVS / "requirements.txt").read_text())
    names = wanted((ENVS / "requirements.in").read_text())
    return ALL + BASE + "".join(f"      - {name}=={pinned[name.partition('[')[0]]}\n" for name in names)


def stage_environment(packages: list[str]) -> str:
    """The environment of the rules of a stage: packages, and all that they depend on."""
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--fork-strategy", "fewest", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate"]
    command += ["--no-header", "--constraint", str(ENVS / "requirements.txt"), "-"]
    lock = subprocess.run(command, input="\n".join(packages), capture_output=True, text=True, check=True).stdout
    return STAGE + BASE + "".join(f"      - {line}\n" for line in lock.splitlines())


if __name__ == "__main__":
    (ENVS / "muscan.yaml").write_text(environment())
    for name, packages in ENVIRONMENTS.items():
        (ENVS / f"{name}.yaml").write_text(stage_environment(packages))
