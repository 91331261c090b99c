# 台账: needs only Python >= 3.11, make and a shell. Everything else goes into .venv.
#
#   make demo    a district of invented data, served          make soak    long races and crashes
#   make test    the tests, within minutes                    make mutate  mutation testing of domain/
#   make check   format, lint, types, tests (what CI runs)    make bench   the measurements
#   make lock    renew the lock files                         make clean   remove what was built here

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?=
PYTEST_WORKERS ?= auto
PYTEST_ARGS ?=
BIN := .venv/bin
CODE := domain application infrastructure interface tests bench

# A stamp is named by the content it stands for (and by the place, for scripts carry it), so that
# a changed lock, another branch or a moved clone brings the environment up to date by itself.
key = $(shell { pwd; cat $(1); } | cksum | tr ' ' '-')
RUN_STAMP := .venv/stamp-run-$(call key,requirements.lock pyproject.toml)
DEV_STAMP := .venv/stamp-dev-$(call key,requirements.lock requirements-dev.lock pyproject.toml)

# Nothing of the caller's environment may reach into the isolated one.
unexport PYTHONPATH
unexport PYTHONHOME
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_REQUIRE_VIRTUALENV := 0
PIP := $(BIN)/python -m pip install --quiet --only-binary :all:

.PHONY: help demo test check format soak mutate bench lock clean venv dev

help:
	@sed -n 's/^#  //p' Makefile

demo: $(RUN_STAMP)
	@$(BIN)/taizhang demo

test: $(DEV_STAMP)
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

check: $(DEV_STAMP)
	$(BIN)/python -m ruff format --check $(CODE)
	$(BIN)/python -m ruff check $(CODE)
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

format: $(DEV_STAMP)
	@$(BIN)/python -m ruff check --fix-only --quiet $(CODE)
	@$(BIN)/python -m ruff format $(CODE)

soak: $(DEV_STAMP)
	@$(BIN)/python -m pytest -m soak $(PYTEST_ARGS)

# All of it takes hours: MUTANTS="domain.workdays.*" takes those alone.
# mutmut works in a copy below ./mutants, whose neighbour ./shared must be the project's own.
mutate: $(DEV_STAMP)
	@test -e shared || ln -s ../shared shared
	@$(BIN)/python tests/mutation_program.py run $(MUTANTS); result=$$?; \
		$(BIN)/python tests/mutation_program.py results; \
		test ! -L shared || rm shared; exit $$result

bench: $(DEV_STAMP)
	@$(BIN)/python -m bench

# The locks name versions and hashes, never where they come from.
LOCK := $(BIN)/python -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate
lock: $(DEV_STAMP)
	$(LOCK) --group build --output-file requirements.lock
	$(LOCK) --group build --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock
	@if grep -n '://' requirements.lock requirements-dev.lock; then \
		echo '锁定文件中出现了网址。 A lock file names an address.' >&2; exit 1; fi

clean:
	rm -rf .venv build mutants taizhang.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(CODE) -type d -name __pycache__ -prune -exec rm -rf {} +

venv: $(RUN_STAMP)
dev: $(DEV_STAMP)

$(RUN_STAMP): requirements.lock pyproject.toml
	@PYTHON='$(PYTHON)' sh .ci/venv
	@echo '正在安装运行所需的部件…… Installing what the program needs…' >&2
	@$(PIP) --require-hashes -r requirements.lock || $(call no_packages)
	@$(PIP) --no-build-isolation --no-deps --no-index --editable .
	@rm -f .venv/stamp-run-* && touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements-dev.lock
	@echo '正在安装测试所需的部件…… Installing what the tests need…' >&2
	@$(PIP) --require-hashes -r requirements-dev.lock || $(call no_packages)
	@rm -f .venv/stamp-dev-* && touch $@

define no_packages
{ echo '未能装齐所需部件：请检查网络（或所用的软件包镜像）后重新运行，已下载的内容不会作废。' >&2; \
  echo 'Some packages could not be installed: check the network (or your package mirror) and' \
       'run the same command again; nothing is lost.' >&2; exit 1; }
endef
