# Two commands: `make demo` sets everything up and runs the main job, `make test` sets everything up and tests it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: browser docs demo test cases check bench bench-bilevel failures golden mutants floor dist-test clean

# The environment is made anew when the list of packages changes.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[charts,cluster,cockpit,excel,parquet,test]'
	touch $(READY)

demo: $(READY)
	$(BIN)/coercivity compare april-2025 --jobs 2 --certify 1 --hinges 6

test: $(READY) check
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# Every case of the world at full size: valid to the last warning, beside its record, all strategies compared.
CASES := april-2025 cobalt-2025 gallium-2023 japan-2010 november-2026

# A browser for the tests of the cockpit's page, which are skipped without one; on Debian, as root.
browser: $(READY)
	command -v chromium || { apt-get update && apt-get install --yes --no-install-recommends chromium; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[browser]'

# The documentation as a site in build/site: from the files as they stand, without a network once this is installed.
docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -E -a -j auto -q -c docs -b html . build/site
	@echo "build/site/index.html"

cases: $(READY)
	$(BIN)/coercivity backtest --all
	$(BIN)/coercivity backtest --all --leave-one-out --format json > docs/cases/left-out.json
	COERCIVITY_GOLDEN=1 COERCIVITY_SWINGS=1 $(BIN)/python -m pytest tests/house/test_case_pages.py
	for name in $(CASES); do $(BIN)/coercivity validate $$name --strict && $(BIN)/coercivity compare $$name --jobs 2 --format json | $(BIN)/coercivity brief - > docs/cases/briefs/$$name.html || exit 1; done

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	mkdir -p .package && ln -sfn .. .package/coercivity
	$(BIN)/mypy

bench-bilevel: $(READY)
	$(BIN)/python -m benchmarks.bilevel

bench: $(READY)
	$(BIN)/python -m benchmarks

# The solver gives up at every call in turn, every leaf of saved results is forged, every published problem rescaled.
failures: $(READY)
	COERCIVITY_FAILURES=40 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal tests/engine/bilevel/test_solver_failures.py tests/house/test_forging.py tests/engine/bilevel/test_scaling.py

# The frozen answers of every command, written anew; read the difference before it is committed.
golden: $(READY)
	COERCIVITY_GOLDEN=1 $(BIN)/python -m pytest tests/house/test_golden.py tests/house/test_case_pages.py tests/models/test_kinds.py tests/models/test_door.py tests/house/test_site.py

mutants: $(READY)
	$(BIN)/python -m tests.mutants

# The lowest versions that pyproject.toml states, in an environment of its own, have to do the work too.
FLOOR := .venv-floor
FLOOR_TESTS := tests/house/test_floor.py tests/models/licensing/test_toy.py tests/engine/programs/test_solver.py tests/models/program/test_program.py tests/engine/study/test_study_runs.py

$(FLOOR)/.ready: pyproject.toml tests/floor.py
	$(PYTHON) -m venv --clear $(FLOOR)
	$(PYTHON) tests/floor.py > $(FLOOR)/constraints.txt
	$(FLOOR)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(FLOOR)/constraints.txt --editable '.[charts,cluster,cockpit,excel,parquet]' hypothesis pytest
	touch $@

floor: $(FLOOR)/.ready
	$(FLOOR)/bin/coercivity doctor
	$(FLOOR)/bin/python -m pytest $(FLOOR_TESTS)

# Wheel and source distribution, each installed into an environment of its own, do their work far from the sources; the
# source distribution collects all of its tests and passes a share of them.
DIST := .dist-test
PIP := -m pip install --quiet --disable-pip-version-check

dist-test:
	rm -rf $(DIST) && mkdir -p $(DIST)/source
	for name in build wheel sdist; do $(PYTHON) -m venv $(DIST)/$$name || exit 1; done
	$(DIST)/build/bin/python $(PIP) build
	$(DIST)/build/bin/python -m build --outdir $(DIST) .
	$(DIST)/wheel/bin/python $(PIP) --constraint constraints.txt $(DIST)/coercivity-*.whl
	$(DIST)/wheel/bin/python tests/outside.py
	$(DIST)/sdist/bin/python $(PIP) --constraint constraints.txt $(DIST)/coercivity-*.tar.gz
	$(DIST)/sdist/bin/python tests/outside.py
	tar --extract --file $(DIST)/coercivity-*.tar.gz --directory $(DIST)/source --strip-components 1
	cd $(DIST)/source && ../sdist/bin/python $(PIP) --constraint constraints.txt --editable '.[charts,cluster,cockpit,excel,parquet]' hypothesis pytest
	cd $(DIST)/source && ../sdist/bin/python tests/outside.py
	cd $(DIST)/source && ../sdist/bin/python -m pytest --collect-only --quiet > ../collected.txt || { tail -n 40 ../collected.txt; exit 1; }
	cd $(DIST)/source && ../sdist/bin/python -m pytest tests/house/test_distribution.py tests/house/test_floor.py tests/models/licensing/test_toy.py

clean:
	rm -rf .package $(VENV) $(FLOOR) $(DIST) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
