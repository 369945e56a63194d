#!/usr/bin/env python
"""Write the conda environment with the pins of the requirements lock.

Reads requirements.in (what muscan needs) and requirements.txt (the pins), writes muscan.yaml.
"""

import re
from pathlib import Path

ENVS = Path(__file__).parent
# Names that differ between PyPI and conda.
CONDA_NAMES = {"snakemake": "snakemake-minimal", "matplotlib": "matplotlib-base"}
HEADER = """# For conda users, with the pins of requirements.txt; made by `make lock`.
# `conda env create -f envs/muscan.yaml`, then `conda activate muscan` and `snakemake`.
name: muscan
channels: [conda-forge, bioconda, nodefaults]
dependencies:
  - python >=3.11,<3.15
"""


def wanted(requirements_in: str) -> list[str]:
    """Names of the packages that muscan asks for."""
    lines = [line.split("#")[0].strip() for line in requirements_in.splitlines()]
    return [re.match(r"[A-Za-z0-9._-]+", line)[0].lower() for line in lines if line]


def pins(requirements_txt: str) -> dict[str, str]:
    """{package: version} of a lock file."""
    return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", requirements_txt, re.MULTILINE))


def environment() -> str:
    pinned = pins((ENVS / "requirements.txt").read_text())
    names = [*wanted((ENVS / "requirements.in").read_text()), "pygments", "pip"]
    lines = [f"  - {CONDA_NAMES.get(name, name)} =={pinned[name]}\n" for name in names if name in pinned]
    return HEADER + "".join(lines)


if __name__ == "__main__":
    (ENVS / "muscan.yaml").write_text(environment())
