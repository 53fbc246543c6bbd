# `make verify` runs the main job, `make test` the tests. Each makes .venv when it is missing; neither needs root
# or a compiler for the m68k.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
JOBS ?= 2
MUTANTS ?= 150
PYTEST = $(BIN)/python -m pytest

# The release of clang whose faults the tests know; a newer one beside it is clang-N.
export NEXTRUST_CLANG ?= 19

.PHONY: help verify test campaign mutants bench lint types docs workflows prebuilt wheel-smoke wheels sdist release-check clean

help:  ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  \1: /p' $(MAKEFILE_LIST)

verify: $(VENV)/.ready  ## the main job: every shipped scenario over the matrix, with status artifacts
	$(PYTEST) --nextrust-phase all -n $(JOBS) $(ARGS)

test: $(VENV)/.ready  ## the tests of this project, but for the wheel's
	$(PYTEST) -n $(JOBS) tests --ignore=tests/wheel $(ARGS)

campaign: $(VENV)/.ready  ## every long campaign in its full setting
	NEXTRUST_CAMPAIGN=full $(PYTEST) -n $(JOBS) -m campaign tests $(ARGS)
	$(MAKE) mutants MUTANTS=600

mutants: $(VENV)/.ready  ## mutation testing: MUTANTS changes by lot, each against the tests that cover it
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutation]'
	$(BIN)/python -m tests.mutation --count $(MUTANTS) --jobs $(JOBS) $(ARGS)

bench: $(VENV)/.ready  ## the benchmarks, as ratios taken in one run
	$(BIN)/python -m tests.bench $(ARGS)

lint: $(VENV)/.ready  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready  ## mypy, strict, over the package and its tests
	$(BIN)/mypy

docs: $(VENV)/.ready  ## write the generated parts of the documentation again
	$(BIN)/python -m tests.docs.generate

workflows: $(VENV)/.ready  ## write the workflows of GitHub Actions again
	$(BIN)/nextrust init --github

prebuilt: $(VENV)/.ready  ## build the programs that the scenarios ship, where their compilers are installed
	$(BIN)/python -m pytest_nextrust.verify.prebuilt $(dir $(wildcard scenarios/*/scenario.toml))

wheel-smoke: $(VENV)/.ready  ## build the wheel and try it in an environment that holds nothing else
	$(PYTEST) tests/wheel $(ARGS)

wheels: $(VENV)/.ready  ## wheels with the compiled part into dist; on Linux this needs docker
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'cibuildwheel>=2.21'
	$(BIN)/python -m cibuildwheel --output-dir dist

sdist: $(VENV)/.ready  ## the sources as they are released, into dist
	$(BIN)/python -m build --sdist --outdir dist

# TAG is read from the environment and never expanded: it is whatever somebody named a tag.
release-check:  ## whether the variable TAG (v0.1.0) names the version that would be released
	@version=$$(sed -n 's/^__version__ = "\(.*\)"$$/\1/p' pytest_nextrust/__init__.py); \
	[ "$$TAG" = "v$$version" ] || \
		{ printf "make: the tag is '%s', the version %s: tag v%s\n" "$$TAG" "$$version" "$$version" >&2; exit 1; }

clean:  ## remove the environment and what runs leave behind
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The environment is made again when the project's dependencies change.
$(VENV)/.ready: pyproject.toml $(wildcard pytest_nextrust/native/*.[ch])
	@command -v $(PYTHON) >/dev/null || { echo "make: python3 is missing: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) -V): set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@command -v git >/dev/null || { echo "make: git is missing: apt-get install git" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
