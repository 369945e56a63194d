# make scan: limits of the default configuration. make help: all commands.
.DEFAULT_GOAL := help
.PHONY: help init check scan forecast scan-toys scan-grid scan-1Lbb scan-sbottom-A scan-stau-highmass limits reproduce verify story tutorial docs rulegraph crate walk test test-cluster study study-toys study-check study-intervals study-grid study-interruption study-cluster study-fuzz bench bench-toys bench-grid bench-jobs bench-cluster bench-peers lint format report lock clean
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
IN_ENV := source $(BIN)/activate &&
# Names of files are passed to the shell through the environment, so that they may have any characters.
CONFIG_ARGS = $(if $(CONFIG),--configfile "$$CONFIG")
PROFILE_ARGS = $(if $(PROFILE),--workflow-profile "$$PROFILE")
# The environment is updated when its lock file changes.
RUN_ENV := $(VENV)/.muscan
TEST_ENV := $(VENV)/.muscan-test
DOCS_ENV := $(VENV)/.muscan-docs
CRATE_ENV := $(VENV)/.muscan-crate
# Benchmarks: one core, and the kernel that OpenBLAS finds best.
ONE_CORE := PYTHONPATH=scripts:tests:tests/benchmarks env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE \
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 \
	MALLOC_MMAP_THRESHOLD_=1000000000 MALLOC_TRIM_THRESHOLD_=2000000000
PEERS := .venv-peers
SNAKEFILES := Snakefile workflow rules docs/module/Snakefile
PEERS_ENV := $(PEERS)/.muscan
PIP_COMPILE := uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

help: ## this list
	@sed -nE 's/^([a-zA-Z0-9 -]+):.*## */make \1\t/p' Makefile | expand -t 25

init: $(RUN_ENV) ## write a first configuration for FROM=mine.csv, mine.root or workspace.json (PATCHSET=patchset.json, PATCHES=folder); OUT=mine.yaml
	@$(if $(FROM),,echo "state the file that the configuration is for: make init FROM=mine.csv" >&2; exit 1)
	@$(IN_ENV) python scripts/muscan init --from="$$FROM" $(if $(PATCHSET),--patchset="$$PATCHSET") \
		$(if $(PATCHES),--patches="$$PATCHES") $(if $(OUT),--output="$$OUT")

scan: $(RUN_ENV) ## limits of config/config.yaml, or CONFIG=mine.yaml, on all cores, or with PROFILE=profiles/slurm
	@$(if $(PROFILE),test -f "$$PROFILE/config.yaml" || { echo "there is no profile '$$PROFILE'" >&2; exit 1; })
	@$(if $(CONFIG),$(IN_ENV) python scripts/muscan check_text "$$CONFIG")
	@$(IN_ENV) snakemake $(CONFIG_ARGS) $(PROFILE_ARGS)

check: $(RUN_ENV) ## look for problems of config/config.yaml, or CONFIG=mine.yaml, and of its models before anything runs
	@$(IN_ENV) python scripts/muscan check --configfiles $(if $(CONFIG),"$$CONFIG",config/config.yaml)

forecast: $(RUN_ENV) ## estimate jobs, core-hours and disk space of a configuration, CONFIG=mine.yaml, before anything runs
	@$(IN_ENV) python scripts/muscan forecast --configfiles $(if $(CONFIG),"$$CONFIG",config/config.yaml)

scan-toys: ## limits from toys: config/toys.yaml
	@$(MAKE) --no-print-directory scan CONFIG=config/toys.yaml

scan-grid: $(RUN_ENV) ## a grid of signals in two masses with exclusion contour and HEPData tables: config/grid.yaml
	@$(IN_ENV) python scripts/muscan simulate_grid --output data/grid
	@$(MAKE) --no-print-directory scan CONFIG=config/grid.yaml

scan-1Lbb: ## ATLAS-SUSY-2019-08, 125 signals; config/examples/README.md explains how to get this and the next two
scan-sbottom-A: ## ATLAS-SUSY-2018-31, region A
scan-stau-highmass: ## ATLAS-SUSY-2018-04, high-mass region
scan-1Lbb scan-sbottom-A scan-stau-highmass: scan-%:
	@test -d data/$* || { echo "there is no folder data/$* with the likelihood: config/examples/README.md explains how to get it" >&2; exit 1; }
	@$(MAKE) --no-print-directory scan CONFIG=config/examples/$*.yaml

limits: $(RUN_ENV) ## print the table of limits of the last scan again
	@$(IN_ENV) python scripts/muscan limits --limits results/limits.csv

reproduce: $(RUN_ENV) ## repeat the run of MANIFEST=results/manifest.json in a fresh folder, and compare byte by byte
	@$(IN_ENV) python scripts/muscan reproduce --manifest $(if $(MANIFEST),"$$MANIFEST",results/manifest.json)

verify: $(RUN_ENV) ## repeat a random sample of the tests with pyhf and Minuit, NUMBER=10 of them
	@$(IN_ENV) python scripts/muscan verify --number $(or $(NUMBER),10) --seed $(or $(SEED),0)

story: scan tutorial ## renew the pictures of the README and the tutorial
	@mkdir -p report/story && cp results/plots/limits.png report/story/
	@for model in locked floating; do cp results/mismatched-$$model/signal/asymptotics/plots/yields/channel_postfit.png \
		report/story/mismatched-$$model.png; done
	@$(MAKE) --no-print-directory scan-grid
	@cp results/grids/grid/plots/exclusion.png report/story/

# The search of the tutorial, first without, then with a free normalisation of ttbar.
TUTORIAL := data/tutorial/search.yaml
KEEP = for plot in $(2); do cp results/search/signal/asymptotics/plots/$$plot.png docs/tutorial/$(1)-$${plot\#\#*/}.png; done
tutorial: $(RUN_ENV) ## renew the histograms and the pictures of the tutorial
	@mkdir -p $(dir $(TUTORIAL)) && rm -f $(TUTORIAL)
	@$(IN_ENV) python docs/tutorial/make_search.py --output docs/tutorial/search.csv
	@$(IN_ENV) python scripts/muscan init --from docs/tutorial/search.csv --output $(TUTORIAL)
	@$(IN_ENV) snakemake --configfile $(TUTORIAL)
	@$(call KEEP,forgotten,pulls yields/CR_prefit yields/CR_postfit)
	@sed -i.bak 's/# \(- {name: ttbar_free\)/\1/; s/# ranking/ranking/' $(TUTORIAL)
	@$(IN_ENV) snakemake --configfile $(TUTORIAL)
	@$(call KEEP,free,pulls brazil yields/CR_postfit yields/SR_postfit ranking)

docs: $(DOCS_ENV) ## build the documentation as a site: docs/_build/index.html
	@rm -rf docs/reference
	@$(IN_ENV) python scripts/muscan document_site --output .
	@$(IN_ENV) python -m sphinx -W --keep-going --quiet --fresh-env docs docs/_build
	@echo "The documentation is in docs/_build/index.html."

rulegraph: $(RUN_ENV) ## renew the picture of the rules in docs/architecture.md
	@$(IN_ENV) python scripts/muscan simulate_grid --output data/grid
	@$(IN_ENV) snakemake --quiet --configfile docs/rulegraph.yaml --rulegraph | python scripts/muscan rule_graph --output docs/rulegraph.svg

report: $(RUN_ENV) ## write report.html: all results of the last scan in one file, to send to others
	@$(IN_ENV) python scripts/report.py --manifest results/manifest.json --embed --output report.html

crate: $(CRATE_ENV) ## pack the last scan into an RO-Crate, crate.zip, to publish; AUTHOR="Ada Lovelace <https://orcid.org/...>" TITLE=... LICENSE=url
	@$(IN_ENV) python scripts/muscan crate $(if $(AUTHOR),--author "$$AUTHOR") $(if $(TITLE),--title "$$TITLE") \
		$(if $(LICENSE),--license "$$LICENSE")

test: $(TEST_ENV) ## run all tests except those on a cluster
	@$(IN_ENV) python -m pytest -n logical --dist loadfile --no-loadscope-reorder --ignore tests/cluster $(PYTEST_ARGS)

walk: ## run every command of the documents in a fresh clone, as a new user would (ten minutes)
	@$(PYTHON) tests/helpers/walk.py

test-cluster: $(TEST_ENV) ## run the workflow on a Slurm cluster of two nodes, which root starts here with Debian's packages (five minutes)
	@$(IN_ENV) python -m pytest tests/cluster $(PYTEST_ARGS)

study: $(TEST_ENV) ## test the fits of many more toys (an hour)
	@$(IN_ENV) MUSCAN_STUDY=1 python -m pytest tests/inference/test_engine.py --durations=0 $(PYTEST_ARGS)

study-toys: $(TEST_ENV) ## compare limits from toys of 200 seeds: spread against quoted error, pulls, bias of adding toys (six minutes)
	@$(IN_ENV) MUSCAN_STUDY=1 python -m pytest tests/toys/test_toys.py tests/toys/test_toy_limits.py -s -k "spread or bias" $(PYTEST_ARGS)

study-check: $(TEST_ENV) ## compare the check of asymptotic limits by events with toys, for 250 random models (two minutes)
	@$(IN_ENV) MUSCAN_STUDY=1 python -m pytest tests/toys/test_asymptotics_check.py -s -k study $(PYTEST_ARGS)

study-intervals: $(TEST_ENV) ## compare Feldman-Cousins intervals from 300,000 toys at each mu with the published table (five minutes)
	@$(IN_ENV) MUSCAN_STUDY=1 python -m pytest tests/toys/test_feldman_cousins.py -k published_table $(PYTEST_ARGS)

study-grid: $(TEST_ENV) ## compare the limits of all 125 signals of 1Lbb with root finding (five minutes)
	@$(IN_ENV) MUSCAN_STUDY=1 python -m pytest tests/workflow/test_grid_workflow.py -k 1lbb $(PYTEST_ARGS)

study-interruption: $(TEST_ENV) ## kill runs at 20 random moments (ten minutes)
	@$(IN_ENV) MUSCAN_STUDY=1 python -m pytest tests/workflow/test_interruption.py -s -k random_moments $(PYTEST_ARGS)

study-cluster: $(TEST_ENV) ## test all faults of a cluster (half an hour)
	@$(IN_ENV) MUSCAN_STUDY=1 python -m pytest tests/cluster -s $(PYTEST_ARGS)

study-fuzz: $(TEST_ENV) ## compare random models with pyhf and change workspaces at random, twenty times as often as the tests (half an hour)
	@$(IN_ENV) MUSCAN_STUDY=1 python -m pytest tests/physics/test_fuzz.py $(PYTEST_ARGS)

bench: $(TEST_ENV) ## time the fits and those of pyhf and cabinetry, on one core (ten minutes)
	@$(IN_ENV) $(ONE_CORE) python -W ignore tests/benchmarks/bench.py
	@$(IN_ENV) $(ONE_CORE) python -W ignore tests/benchmarks/bench_ranking.py

bench-toys: $(TEST_ENV) ## compare the toys per second of the whole workflow with those of the fits alone, PER_HYPOTHESIS=5000 at 15 values of mu
	@$(IN_ENV) $(ONE_CORE) python -W ignore tests/benchmarks/toy_workflow.py $(or $(PER_HYPOTHESIS),5000)

bench-grid: $(TEST_ENV) ## time 10, 30 and 125 signals of a patch set, from the files to the contour (seven minutes)
	@$(IN_ENV) $(ONE_CORE) python -W ignore tests/benchmarks/grid_workflow.py

bench-jobs: $(TEST_ENV) ## what jobs cost: the default question, and dry runs of JOBS="1000 10000" jobs (five minutes)
	@$(IN_ENV) $(ONE_CORE) python -W ignore tests/benchmarks/job_workflow.py $(JOBS)

bench-cluster: $(TEST_ENV) ## compare the wall time on a Slurm cluster of one node with that of a local run, PER_HYPOTHESIS=20000 (ten minutes)
	@$(IN_ENV) PYTHONPATH=scripts:tests:tests/benchmarks python -W ignore tests/benchmarks/cluster_workflow.py $(or $(PER_HYPOTHESIS),20000)

bench-peers: $(TEST_ENV) $(PEERS_ENV) ## time NextStat and RooStats on the same models, in an environment of their own
	@$(IN_ENV) $(ONE_CORE) python -W ignore tests/benchmarks/bench.py --dump $(PEERS)/cases
	@for peer in "nextstat default-question-floating 20000" "nextstat sbottom-A 100" "roostats 2-channels-x-10-bins 2000"; do \
		set -- $$peer; $(ONE_CORE) $(PEERS)/bin/python tests/benchmarks/peer_$$1.py $(PEERS)/cases/$$2 $$3; done

lint: $(TEST_ENV) ## check the code: ruff, snakefmt, snakemake --lint
	@$(IN_ENV) ruff check . && ruff format --check . && snakefmt --check $(SNAKEFILES) \
		&& snakemake --lint && snakemake --directory docs/module --snakefile docs/module/Snakefile --lint

format: $(TEST_ENV) ## format all code
	@$(IN_ENV) ruff check --fix . && ruff format . && snakefmt $(SNAKEFILES)

lock: $(TEST_ENV) ## renew the pinned versions in envs/
	@$(IN_ENV) python -m pip install --quiet uv
	@$(IN_ENV) $(PIP_COMPILE) --upgrade envs/requirements.in --output-file envs/requirements.txt
	@$(IN_ENV) $(PIP_COMPILE) --upgrade envs/requirements-crate.in --output-file envs/requirements-crate.txt
	@$(IN_ENV) $(PIP_COMPILE) --upgrade envs/requirements-test.in --output-file envs/requirements-test.txt
	@$(IN_ENV) $(PIP_COMPILE) --upgrade envs/requirements-docs.in --output-file envs/requirements-docs.txt
	@$(IN_ENV) python envs/conda_pins.py

clean: ## remove results, logs and the environment
	rm -rf results logs benchmarks report.html crate.zip docs/_build docs/reference .snakemake $(VENV) $(PEERS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("muscan needs Python 3.11 or newer; choose one with: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Making the environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUN_ENV): envs/requirements.txt | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(TEST_ENV): envs/requirements-test.txt $(RUN_ENV) | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(CRATE_ENV): envs/requirements-crate.txt $(RUN_ENV) | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(DOCS_ENV): envs/requirements-docs.txt $(RUN_ENV) | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(PEERS_ENV):
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check 'numpy<2.4' nextstat==0.10.1 root==0.1a12
	@touch $@
