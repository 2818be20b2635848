VENV ?= .venv
PYTHON ?= python
READY := $(VENV)/.ready
# The tools of the environment if it is there, else those of the activated one.
BIN = $(if $(wildcard $(VENV)/bin/ruff),$(VENV)/bin/)

.PHONY: attack test check lint types layers requirements

attack: $(READY)
	$(VENV)/bin/python tools/attack.py mmpose_configs/hourglass.py

test: $(READY)
	$(VENV)/bin/python -m pytest

check: lint types layers test

lint:
	$(BIN)ruff check
	$(BIN)ruff format --check

types:
	$(BIN)mypy

layers:
	$(BIN)lint-imports --no-logo

requirements:
	$(BIN)uv pip compile --universal --python-version 3.11 --fork-strategy fewest --all-extras \
		--group pinned --annotation-style line pyproject.toml -o requirements.txt

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --no-deps -r requirements.txt -e .
	touch $@
