# Everything from a fresh clone with Python >= 3.11 and make alone; each target installs what it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHOP_PORT ?= 8000
ND8_EMULATOR_PORT ?= 8800
export SHOP_PORT ND8_EMULATOR_PORT

.PHONY: install demo test soak check bench lock docs

install: $(VENV)/installed

# The marker makes a second run free; the lock file and pyproject.toml decide when it is stale.
$(VENV)/installed: requirements.lock pyproject.toml .ci/stubs.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "oscar_nd8 needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
# Oscar's stubs declare Python 3.12, but all that we import of them reads on 3.11; --no-deps because the lock has the rest.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --requirement .ci/stubs.txt
	touch $@

demo: install
	$(BIN)/python -m sandbox_site.demo

# One more than a small machine has cores: who tests patience waits, and somebody should work meanwhile.
test: install
	$(BIN)/python -m pytest -n 3 --dist loadgroup --cov --cov-report=term:skip-covered

# Hours; goes on where an earlier run on the same code was ended. Its figures belong into docs/soak.md.
soak: install
	$(BIN)/python -m pytest -q tests/plain --hypothesis-profile=fresh
	$(BIN)/python -m tests.hunting.soak $(PROCESSES)

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python sandbox_site/manage.py makemigrations --check --dry-run
	$(BIN)/python sandbox_site/manage.py check --fail-level WARNING
	$(BIN)/sphinx-build --fail-on-warning --quiet docs docs/_build

docs: install
	$(BIN)/sphinx-build --fail-on-warning docs docs/_build

bench: install
	$(BIN)/python -m tests.bench

# Pins every package for every platform and Python that pyproject.toml allows.
lock:
	$(BIN)/uv pip compile --universal --no-header --no-emit-index-url --prerelease=if-necessary-or-explicit --extra test --extra bench --extra lint --constraint .ci/constraints.txt pyproject.toml --output-file requirements.lock --upgrade
