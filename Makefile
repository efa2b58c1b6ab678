# Everything runs in a virtual environment of its own, .venv, which `make clean` removes.
PYTHON ?= python3
BIN := .venv/bin
SPHINX = $(BIN)/python -m sphinx -W --keep-going -n -b html

.PHONY: demo test test-all lint docs translations clean

demo: .venv/.demo
	rm -rf build/demo
	$(BIN)/convvision demo --out build/demo

test: .venv/.test
	$(BIN)/python -m pytest -m "not slow" -n auto $(PYTEST_ARGS)

test-all: .venv/.test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The Chinese site lies inside of the English one, and shows the gallery that the English one has run.
docs: .venv/.dev
	$(SPHINX) -d docs/_build/doctrees/en docs docs/_build/html
	$(SPHINX) -d docs/_build/doctrees/zh -D language=zh_CN -D plot_gallery=0 docs docs/_build/html/zh

translations: .venv/.dev
	$(BIN)/python docs/_ext/translations.py

clean:
	rm -rf .venv build docs/_build docs/auto_examples docs/tutorials/course docs/reference/generated
	find docs/locale -name '*.mo' -delete

# A marker file for each set of packages, made anew when pyproject.toml changes.
.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

.venv/.demo: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/.test: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@
