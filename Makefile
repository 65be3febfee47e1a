# make demo     fine-tune a pretrained encoder on the shipped sample
# make test     ruff, mypy --strict, every test
# make check    ruff and mypy alone
# make bench    speed and memory against what a user would run instead (hours; DATA=folder of the data sets)
# make results  the results in the READMEs that are missing (hours; DATA=folder of the data sets)
# make pages    write the tables in the READMEs and the tree in CONTRIBUTING.md again, from the files
# make torture  thousands of runs that are killed, stopped and starved, then resumed and compared (hours)
# Each sets up the environment it needs in .venv.

PYTHON ?= python3
DATA ?= ../shared/data
BIN := .venv/bin
TORCH ?= torch==2.13.0

.PHONY: demo test check bench results pages torture clean

demo: .venv/sample
	$(BIN)/bertkit finetune sst2 --sample
	@echo
	@echo 'Next: $(BIN)/bertkit eval glue --sample, and $(BIN)/bertkit compare pretrain-vs-scratch --sample'

test: .venv/dev check
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev
	$(BIN)/python -m benchmarks.bench --data $(DATA)
	$(BIN)/python -m benchmarks.pages

results: .venv/dev
	$(BIN)/python -m benchmarks.results --data $(DATA)
	$(BIN)/python -m benchmarks.pages

pages: .venv/dev
	$(BIN)/python -m benchmarks.pages

torture: .venv/dev
	$(BIN)/python tests/torture.py
	$(BIN)/python tests/torture.py --processes 2 --kills 50 --signals 12 --faults 25
	BERTKIT_FUZZ=10000 $(BIN)/python -m pytest tests/test_fuzz.py

clean:
	rm -rf .venv build dist *.egg-info

# torch first, so that TORCH can name a build: on Linux the default may bring about 3 GB of CUDA libraries.
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
