PYTHON ?= python3
TORCH ?=
VENV := .venv
BIN := $(VENV)/bin
# In the order of tests/conftest.py, which puts long files first.
APART := -n 2 --dist loadfile --no-loadscope-reorder
# Waits are measured where no other test is at work.
ALONE = $(BIN)/python -m pytest -m alone tests/browser

.PHONY: setup demo test test-all browser lint bench clean

setup: $(VENV)/.installed

# constraints.txt pins every version; TORCH names another torch where the pinned one
# would bring a GPU build, as in `make demo TORCH=torch==2.13.0+cpu`.
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH),$(BIN)/python -m pip install --quiet '$(TORCH)')
	$(BIN)/python -m pip install --quiet $(if $(TORCH),,-c constraints.txt) -e '.[local,demo,test]'
	touch $@

demo: setup
	$(BIN)/harness demo

test: setup browser
	$(BIN)/python -m pytest $(APART) -m 'not slow and not alone'
	$(ALONE)

# Simulations of many studies, servers killed under load and the like as well.
test-all: setup browser
	$(BIN)/python -m pytest $(APART) -m 'not alone'
	$(ALONE)

# The browser tests drive Debian's Chromium; where it cannot be installed they skip
# and say so, except in CI.
browser:
	command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get \
	  >/dev/null && apt-get update -qq && apt-get install -y -qq chromium; } || true

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
