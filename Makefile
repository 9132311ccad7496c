# `make help` lists the targets. Needs only make and a Python 3.11 or newer with its venv module.

PYTHON ?= python3
VENV ?= .venv
VERSIONS ?= 3.11 3.12 3.13
# More words for the command of `make run`, `make test` or `make bench`: make run ARGS='--echo', make test ARGS='-k framing'
ARGS ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
BENCH_INSTALLED := $(VENV)/bench-installed
DOCS_INSTALLED := $(VENV)/docs-installed

LOCK_INSTALLED := $(VENV)/lock-installed
# For every system and every Python that we support, with the hashes of all files of a release.
LOCK := uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock'

# Where this is set, as in many containers, each of hundreds of processes would compile all modules.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test test-hostile test-system test-without-epoll check docs bench test-all deb lock clean

help:
	@echo "make run           serve on port 12345 of 127.0.0.1; ARGS='--echo' adds options"
	@echo "make test          run the tests; ARGS='-k framing' adds words for pytest"
	@echo "make test-hostile  the tests under load and against rude peers"
	@echo "make test-without-epoll  the tests of the server and of the daemon, as on a system that has no epoll"
	@echo "make test-system   the tests of the Debian package under a systemd of its own, as root"
	@echo "make check         formatting, lint and types"
	@echo "make docs          the documentation site, in build/docs; a warning is an error"
	@echo "make bench         the speed of sockreply and its peers, into benchmarks/results, docs/speed.md and README.md"
	@echo "make test-all      the tests under Python $(VERSIONS)"
	@echo "make deb           the Debian package, in dist/"
	@echo "make lock          the newest versions that pyproject.toml allows, with their hashes, into etc/locks"
	@echo "make clean         remove what these made"

run: $(INSTALLED)
	$(BIN)/twistd -n --pidfile= sockreply --port 12345 $(ARGS)

# -rs: what was skipped, and why. -n 3: on two processors, for many tests wait.
test: $(INSTALLED)
	$(BIN)/python -m pytest -n 3 --dist loadfile -rs --ignore tests/hostile --ignore tests/system $(ARGS)

# One after another, for they measure.
test-hostile test-system: test-%: $(INSTALLED)
	$(BIN)/python -m pytest -n 0 -rs tests/$* $(ARGS)

# The path is absolute, for daemons that the tests start elsewhere. Framers know nothing of epoll, and take minutes.
test-without-epoll: export PYTHONPATH = $(CURDIR)/tests/without_epoll
test-without-epoll: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile -rs tests/server tests/end_to_end $(ARGS)
	$(BIN)/python -m pytest -n 0 -rs tests/hostile --ignore tests/hostile/test_framers.py $(ARGS)

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# -E: all of it, so that a page that did not change is warned about too.
docs: $(DOCS_INSTALLED)
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html -d build/doctrees docs build/docs
	@echo "build/docs/index.html"

bench: $(BENCH_INSTALLED)
	$(BIN)/python -m benchmarks $(ARGS)

# All lines of a recipe are expanded before the first one runs: a missing Python stops it at once.
test-all:
	$(foreach version,$(VERSIONS),$(call test_under,$(version)))

define test_under
$(MAKE) --no-print-directory test PYTHON='$(call find_python,$(1))' VENV='.venv-$(1)'

endef

# For the release of Debian that it is made on; Build-Depends of etc/debian/control says what that takes.
deb: $(INSTALLED)
	etc/debian/build $(BIN)/python

lock: $(LOCK_INSTALLED)
	$(BIN)/$(LOCK) --output-file etc/locks/run.txt pyproject.toml
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(BIN)/$(LOCK) --output-file etc/locks/build.txt -

# The variable makes pyenv's shims start that version too, whichever is switched on.
find_python = $(or \
	$(shell PYENV_VERSION=$(1) python$(1) -c 'import sys; print(sys.executable)' 2>/dev/null), \
	$(error python$(1) does not start: it is neither on PATH nor in pyenv))

# The editable install copies the plugin, so a new one needs a new install.
$(INSTALLED): pyproject.toml twisted_plugins/sockreply_plugin.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' # the first one to know --group
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

$(DOCS_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

$(LOCK_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --group lock
	@touch $@

clean:
	rm -rf .venv .venv-3.* dist build .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
