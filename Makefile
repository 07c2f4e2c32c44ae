# make app: install and start.  make test: install, lint and test.  Both need Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A third of the time of an installation is bytecode of modules of which a run of the tests imports few.
PIP_INSTALL := $(BIN)/pip install --quiet $(if $(CI),--no-compile)

.PHONY: app test test-scale bench docs fuzz clean

app: $(VENV)/app.done
	OMP_NUM_THREADS=1 $(BIN)/streamlit run app/Home.py

test: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint -c app/frontend/.oxlintrc.json app/frontend
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# What is done by several machines, on a Ray cluster of two nodes on this one; `make test` skips it.
test-scale: $(VENV)/dev.done
	$(PIP_INSTALL) -e '.[ray]'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m scale

# Bad input of every kind, for an hour; FUZZ_SEED=N for the cases of an earlier run.
FUZZ_SECONDS ?= 3600
fuzz: $(VENV)/dev.done
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz.py --seconds $(FUZZ_SECONDS) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED))

# The documentation as a site, strict; the tutorials are run, and no page asks another host for anything.
docs: $(VENV)/dev.done
	OMP_NUM_THREADS=1 $(BIN)/python docs/tools/assemble.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/dev.done
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.done: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PIP_INSTALL) -r requirements.txt
	touch $@

$(VENV)/dev.done: requirements-dev.txt pyproject.toml | $(VENV)/bin/python
	$(PIP_INSTALL) -r requirements-dev.txt
	touch $@ $(VENV)/app.done

clean:
	rm -rf $(VENV)
