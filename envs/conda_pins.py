#!/usr/bin/env python
"""Write the conda environment with the pins of the requirements lock.

Reads requirements.in (what muscan needs) and requirements.txt (the pins), writes muscan.yaml. The packages come from
PyPI there too: conda channels do not have every pinned version.
"""

import re
from pathlib import Path

ENVS = Path(__file__).parent
HEADER = """# For conda users, with the pins of requirements.txt; made by `make lock`.
# conda env create -f envs/muscan.yaml, then conda activate muscan, then snakemake.
name: muscan
channels: [conda-forge, nodefaults]
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
    return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", requirements_txt, re.MULTILINE))


def environment() -> str:
    pinned = pins((ENVS / "requirements.txt").read_text())
    names = wanted((ENVS / "requirements.in").read_text())
    return HEADER + "".join(f"      - {name}=={pinned[name.partition('[')[0]]}\n" for name in names)


if __name__ == "__main__":
    (ENVS / "muscan.yaml").write_text(environment())
