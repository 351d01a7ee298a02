# Every target does its own set-up: all it takes is make and Python >= 3.11.
#   make demo        audit the Python environment in .venv with a graph
#   make test        everything that has to be green: lint types unit notebooks package
#   make stress      the long form of some tests: 200 places to kill a process at, 2,500 random graphs, 1,000 nests, ...
#   make bench       side by side with LangGraph; one question: make bench BENCH=bench/bench_<question>.py
#   make clean       remove the environment and whatever was built
# Arguments go through ARGS: make demo ARGS=--help, make unit ARGS='tests/flow -k demand'.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input
BENCH ?= bench
ARGS ?=

.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test lint format types unit notebooks package stress bench clean

help:
	@sed -n 's/^#   \(make [a-z]*  *\)/  \1/p' Makefile

demo: $(VENV)/demo.stamp
	@$(BIN)/rxgraph demo $(ARGS)

test: lint types unit notebooks package
	@echo "all green"

lint: $(VENV)/dev.stamp
	@echo "== lint"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

types: $(VENV)/dev.stamp
	@echo "== types"
	@$(BIN)/mypy rxgraph $(wildcard tests/typing)

# The parity tests take as long as all others together, so that two cores share the work; ARGS choose for themselves.
unit: $(VENV)/dev.stamp
	@echo "== tests, README and docs"
ifeq ($(ARGS),)
	@$(BIN)/pytest -q tests/parity >$(VENV)/parity.log 2>&1 & parity=$$!; \
	    $(BIN)/pytest -q --ignore=tests/parity; ours=$$?; \
	    wait $$parity; theirs=$$?; cat $(VENV)/parity.log; exit $$((ours | theirs))
else
	@$(BIN)/pytest -q $(ARGS)
endif

# A kernel of this environment, whatever kernels the user has; warnings of Jupyter's own machinery are not ours.
notebooks: export JUPYTER_PREFER_ENV_PATH = 1
notebooks: export JUPYTER_PLATFORM_DIRS = 1
notebooks: $(VENV)/dev.stamp
	@echo "== notebooks"
	@$(BIN)/pytest -q --override-ini=filterwarnings=default --nbmake --nbmake-timeout=120 notebooks

package: $(VENV)/dev.stamp
	@echo "== package"
	@$(BIN)/python tests/package/check_package.py

stress: $(VENV)/dev.stamp
	@RXGRAPH_CRASHES=50 RXGRAPH_PARITY_EXAMPLES=2500 RXGRAPH_NESTED_EXAMPLES=1000 RXGRAPH_ENDINGS=1500 \
	    RXGRAPH_ALL_WAYS=1 RXGRAPH_RUNS=2000 $(BIN)/pytest -q tests/pregel/test_crash.py \
	    tests/pregel/test_any_ending.py tests/parity/test_generated.py tests/parity/test_nested_generated.py \
	    tests/parity/test_subgraphs.py tests/parity/test_functional.py tests/parity/test_runtime_context.py \
	    tests/parity/test_faults.py tests/parity/test_raw_pregel.py tests/stream/test_run_machine.py $(ARGS)

bench: $(VENV)/dev.stamp
	@set -e; for file in $(BENCH); do echo "== $$file"; $(BIN)/python "$$file" $(ARGS); done

clean:
	@rm -rf $(VENV) build dist htmlcov .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache ./*.egg-info rxgraph-report
	@find rxgraph operators tests bench -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/demo.stamp: $(VENV)/made-for pyproject.toml
	@echo "Installing rxgraph into $(VENV)"
	@$(PIP) install --editable '.[cli]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/made-for pyproject.toml
	@echo "Installing rxgraph and its development tools into $(VENV)"
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/demo.stamp

# Scripts in an environment know its place, so a moved or copied clone, or one whose Python is gone, starts afresh.
ifneq ($(shell $(BIN)/python -c '' 2>/dev/null && cat $(VENV)/made-for),$(CURDIR))
.PHONY: $(VENV)/made-for
endif

$(VENV)/made-for:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "rxgraph needs Python >= 3.11, and '$(PYTHON)' is: $$($(PYTHON) --version 2>&1 || true)" >&2; \
	    echo "Name another one, for example: make PYTHON=python3.12 $(or $(MAKECMDGOALS),test)" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { \
	    echo "'$(PYTHON) -m venv' failed; Debian and Ubuntu keep it in the package python3-venv." >&2; exit 1; }
	@echo '$(CURDIR)' >$@
