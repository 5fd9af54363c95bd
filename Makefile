# make setup | run | test. Each does what it still needs first; nothing is done twice.
PYTHON  ?= python3
ARGS    ?= method=mam task=xsum
VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/.petl-ready
ORACLES := .venv-oracles

.PHONY: help setup run status test test-all prove params oracles readme lint clean

help: ## this list
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## environment in .venv with pinned versions, and the embedded text
	@$(BIN)/python -m petl.mini >/dev/null

$(READY): pyproject.toml constraints.txt
	@echo "One-time set-up in $(VENV): some minutes, about 2 GB."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep ^torch== constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

run: setup ## one run: make run ARGS="method=lora task=sst2"
	$(BIN)/python train.py $(ARGS)

status: setup ## how far all runs are; make status ARGS="experiment=table6 --watch"
	$(BIN)/python scripts/status.py $(if $(filter command environment,$(firstword $(origin ARGS))),$(ARGS))

plan: setup ## what runs cost before they start: make plan ARGS="experiment=table6 scale=paper"
	$(BIN)/python scripts/plan.py $(ARGS)

PRESETS := $(notdir $(basename $(wildcard conf/experiment/*.yaml)))
.PHONY: plan experiments $(addprefix run-,$(PRESETS))
$(addprefix run-,$(PRESETS)): run-%: setup
	$(BIN)/python train.py -m experiment=$* $(addprefix scale=,$(SCALE)) $(if $(filter command environment,$(firstword $(origin ARGS))),$(ARGS))

experiments: setup ## conf/experiment out of results/paper.json; one of them: make run-table6 SCALE=paper
	$(BIN)/python scripts/experiments.py

test: setup ## the quick tests
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: setup launchers ## every test
	$(BIN)/python -m pytest -n 2

LAUNCHERS := $(VENV)/.petl-launchers
.PHONY: launchers
launchers: setup $(LAUNCHERS) ## Ray's and Slurm's launchers of sweeps: their tests need them

# What hydra-ray-launcher asks for beyond Ray (an older cloudpickle, boto3) is for clusters on AWS and contradicts the pins.
$(LAUNCHERS): constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt ray submitit
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps hydra-ray-launcher hydra-submitit-launcher
	touch $@

prove: setup ## the promises of docs/reliability.md at their full counts: make prove ARGS="resume --share 0.1"
	$(BIN)/python scripts/prove.py $(if $(filter-out file,$(origin ARGS)),$(ARGS))

params: setup ## parameter counts and percentages of every table row, ours beside the printed
	$(BIN)/python scripts/params.py

.PHONY: mini mini-status
mini: setup ## the whole paper in miniature, at one learning rate and at tuned ones: runs what is missing, hours; make mini ARGS="task=xsum"
	$(BIN)/python scripts/mini.py $(if $(filter command environment,$(firstword $(origin ARGS))),$(ARGS))

mini-status: setup ## how many of five seeds every row of the miniature has, at both learning rates; exit code 2 while one is missing
	@$(BIN)/python scripts/mini.py --status

TABLES := $(addprefix table,1 2 3 4 5 6 7 8 9 10 11 12)
.PHONY: $(TABLES) tables claims
$(TABLES): setup
	@$(BIN)/python scripts/tables.py $@ --scale $(or $(SCALE),mini)

tables: setup ## results/tables from results/runs, both scales; one to the terminal: make table6 SCALE=paper
	$(BIN)/python scripts/tables.py --write $(addprefix --scale ,$(SCALE))

claims: setup ## results/claims.md and .json: what the paper claims, judged by its numbers, others' and ours
	$(BIN)/python scripts/claims.py --write

.PHONY: figures report
figures: setup ## results/figures from results/runs, both scales: Figures 2, 4 and 5, learning curves, cost
	$(BIN)/python scripts/figures.py $(addprefix --scale ,$(SCALE))

report: setup ## results/report.html from results/runs: all of it on one page that opens offline
	$(BIN)/python scripts/report.py $(addprefix --scale ,$(SCALE))

.PHONY: check-report
check-report: setup ## exit code 1 where results/ is not what results/runs gives
	$(BIN)/python scripts/tables.py --check
	$(BIN)/python scripts/claims.py --check
	$(BIN)/python scripts/figures.py --check
	$(BIN)/python scripts/report.py --check

oracles: setup $(ORACLES)/.petl-ready ## the methods against AdapterHub's adapters and peft, in .venv-oracles
	$(BIN)/python scripts/check_oracles.py --python $(ORACLES)/bin/python

$(ORACLES)/.petl-ready: scripts/oracles/constraints.txt
	@echo "One-time set-up in $(ORACLES): about a minute and 1 GB."
	test -x $(ORACLES)/bin/python || $(PYTHON) -m venv $(ORACLES)
	$(ORACLES)/bin/python -m pip install --quiet --disable-pip-version-check "$$(grep ^torch== scripts/oracles/constraints.txt)"
	$(ORACLES)/bin/python -m pip install --quiet --disable-pip-version-check -c scripts/oracles/constraints.txt adapters peft
	touch $@

.PHONY: bench
bench: setup ## what steps, memory, beam search and start-up cost: results/bench; other libraries' too after make oracles
	$(BIN)/python scripts/bench.py $(if $(filter command environment,$(firstword $(origin ARGS))),$(ARGS))

.PHONY: baselines
baselines: setup ## what needs no backbone on the embedded tasks, and what overlaps: results/baselines.json
	$(BIN)/python scripts/baselines.py

readme: setup ## fill the generated parts of README.md from results/runs
	$(BIN)/python scripts/readme.py

lint: setup ## ruff and pyright
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

clean: ## remove the environments and outputs; records under results/ stay
	rm -rf $(VENV) $(ORACLES) outputs *.egg-info .pytest_cache .ruff_cache
