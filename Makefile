# The two commands of the README are `make demo` and `make test`; each sets up what it needs.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
DEMO   ?= demo-report

.PHONY: demo test check bench validation setup clean

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints/py311.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "osteon needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "on Debian: apt-get install python3.11-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/py311.txt -e ".[deep,dev]"
	@touch $@

demo: setup
	$(BIN)/osteon demo --out $(DEMO)

test: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/check_docs.py

bench: setup
	for bench in benchmarks/*.py; do $(BIN)/python $$bench || exit 1; done

validation: setup
	for table in validation/*.py; do $(BIN)/python $$table || exit 1; done

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info src/*.egg-info
