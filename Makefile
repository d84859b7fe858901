# Everything runs in .venv, with pinned versions; `make demo` and `make test` build it when it is missing.
PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
READY := $(VENV)/.ready

.PHONY: demo demo-language demo-redteam demo-imagine demo-video test test-lowest lint docs format clean results-page results-check golden

demo: $(READY)
	$(BIN)/reverie demo

# A small language model (93 MB, fetched once) says what SASRec and DreamRec hold of five people.
demo-language: $(READY)
	$(BIN)/reverie demo --language --out runs/demo-language

# A small language model (93 MB, fetched once) is attacked with harmless goals, hardened, and attacked again; exit code 1 of the
# command says that something got through, which it does.
demo-redteam: $(READY)
	$(BIN)/reverie redteam harden redteam-demo --out runs/demo-redteam || test $$? -eq 1

# Pictures for one word, and for two dozen concepts with controls; WordNet, icons and a sentence encoder are fetched once (110 MB).
demo-imagine: $(READY)
	$(BIN)/reverie imagine nostalgia --out runs/demo-imagine/nostalgia
	$(BIN)/reverie imagery imagery-demo --out runs/demo-imagine/study

# Three ways to train a small network on a hundred generated clips, learned mixing among them; nothing is fetched.
demo-video: $(READY)
	$(BIN)/reverie video study video-demo --out runs/demo-video

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

# The lowest versions that pyproject.toml allows of what it names, in an environment of its own (torch brings two gigabytes).
test-lowest:
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e . \
		'pytest>=8.3' 'pytest-timeout>=2.3' 'hypothesis>=6.120' 'pandas>=2.2' 'pyarrow>=18'
	$(LOWEST)/bin/python -m pytest tests/data tests/evaluation tests/report

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/mkdocs build --strict

# The page and the plots of results/sequential.csv, and a check that a small part of it can be computed again.
results-page: $(READY)
	$(BIN)/python benchmarks/tables/page.py

results-check: $(READY)
	$(BIN)/python benchmarks/tables/check.py

# What small commands print and write, beside what `$(BIN)/python benchmarks/golden --keep` recorded before a change.
golden: $(READY)
	$(BIN)/python benchmarks/golden

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(LOWEST) site dist

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "reverie needs Python 3.11, 3.12 or 3.13; say make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$$(grep '^torch==' requirements.txt)"
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps -e .
	touch $(READY)
