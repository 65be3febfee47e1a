# make demo   the main job on the shipped sample, with a real pretrained encoder
# make test   every test, ruff, mypy --strict
# make check  ruff and mypy alone
# make bench  bertkit against what a user would run instead, side by side (hours; DATA=folder of the datasets)
# make torture  runs that are killed, stopped and starved, thousands of them, and what became of them (hours)
# make results  what is missing of the README's results (DATA=folder of the datasets)
# Each makes the environment it needs in .venv.

PYTHON ?= python3
DATA ?= ../shared/data
BIN := .venv/bin
TORCH ?= torch==2.13.0

.PHONY: demo test check bench results torture clean

demo: .venv/sample
	$(BIN)/bertkit finetune sst2 --sample
	@echo
	@echo 'Next: $(BIN)/bertkit eval glue --sample, and $(BIN)/bertkit compare pretrain-vs-scratch --sample'

test: .venv/dev check
	$(BIN)/python -m pytest

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev
	$(BIN)/python -m benchmarks.bench --data $(DATA)

results: .venv/dev
	$(BIN)/python -m benchmarks.results --data $(DATA)

torture: .venv/dev
	$(BIN)/python tests/torture.py
	$(BIN)/python tests/torture.py --processes 2 --kills 50 --signals 12 --faults 25
	BERTKIT_FUZZ=10000 $(BIN)/python -m pytest tests/test_fuzz.py

clean:
	rm -rf .venv build dist *.egg-info

# torch first, and by name: on Linux a bare `torch` brings some 3 GB of CUDA libraries.
.venv/torch:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet $(TORCH)
	touch $@

.venv/sample: .venv/torch pyproject.toml
	$(BIN)/pip install --quiet --editable '.[sample]'
	touch $@

.venv/dev: .venv/torch pyproject.toml
	$(BIN)/pip install --quiet --editable '.[dev,sample]'
	touch $@
