# What the rules share: the checked configuration, objects with values for rules, and the constraints of wildcards.
#
# Needs: config. Makes: no files.

import json
import os
import runpy
from functools import partial

# Snakemake fetches single files from a source such as github(...); this finds the folder of the library and the scripts.
source = runpy.run_path(workflow.source_path("../scripts/muscan/run/source.py"))
source["load_library"](workflow.current_basedir, workflow.is_main_process)

from muscan.base import files
from muscan.config import result_files
from muscan.config.fetch import fetch_inputs
from muscan.config.scans import outline_of
from muscan.config.measurements import TOY_MEASUREMENTS
from muscan.config.settings import FOLDER_PLOTS, TOYBASED
from muscan.run import begin, end, progress, step_server
from muscan.run.benchmarks import write_benchmarks
from muscan.run.rules.code import code_of, digest_of
from muscan.run.rules.datasets import Datasets
from muscan.run.rules.grids import Grids
from muscan.run.rules.packs import all_packs
from muscan.run.rules.pictures import drawn_from
from muscan.run.rules.scans import Scans
from muscan.run.rules.toys import Toys
from muscan.run.rules.wildcards import literal, one_of, unrecorded
from muscan.run.rules.workspaces import Workspaces
from muscan.run.usage import Usage

# Jobs on a cluster start Snakemake too; there, configuration, code and results need not be checked again.
FIRST = workflow.is_main_process
# The main workflow, or a module of another one, which has its own messages and handlers.
usage = Usage(workflow)
MAIN = usage.module is None

if FIRST:
    fetch_inputs(config, workflow.storage_provider_settings)
usable = begin.usable_part(config, usage.configfiles, check_text=FIRST, module=usage.module)
config = usable.config
if FIRST:
    begin.prepare(usable, usage.configfiles, usage.results, module=usage.module)
    step_server.start(workflow)
if FIRST and MAIN:
    progress.show_time_left(workflow)
    progress.hide_errors_of_handlers()

# Most methods of these objects are functions of the wildcards.
datasets = Datasets(config)
scans = Scans(config)
workspaces = Workspaces(config, scans)
toys = Toys(scans)
grids = Grids(config, scans)
if FIRST and MAIN:
    end.show_limits_if_nothing_to_do(workflow, grids.names)
packs = all_packs(config, scans)
code = partial(code_of, with_digest=FIRST)

# A parameter, because shell commands of a module do not see its globals.
FOLDER = unrecorded(usage.results)
RESULTS = result_files.all_results(config)
OUTLINE = json.dumps(outline_of(config))

# Fits by pyhf read the workspace; fits by muscan need only the compiled model. A constant costs less than a function.
WORKSPACE_OF_PYHF = []
if scans.uses_pyhf:
    WORKSPACE_OF_PYHF = branch(scans.fitted_by_pyhf, then="results/{analysis}/{signal}/workspace.json")


wildcard_constraints:
    dataset=one_of(config["datasets"]),
    histograms="histograms|blinded",
    grid=one_of(grids.names),
    analysis=one_of(config["analyses"]),
    signal=r"[^/]+",
    calculator=r"[a-z]+",
    plot=r"[a-z_]+",
    mu=r"[0-9][0-9.e+-]*(_to_[0-9][0-9.e+-]*)?|auto",
    round=r"[0-9]+",
    part=r"[0-9]+",
    parts=r"[0-9]+",
