# make demo: evaluate two local models through a real Triton.  make test: run every test.
.PHONY: demo test lint types layers tests without_extras bench train check clean tools
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
KERNEL_VENV ?= .venv-kernel
KERNEL_READY := $(KERNEL_VENV)/.ready
LITELLM_VENV ?= .venv-litellm
LITELLM_READY := $(LITELLM_VENV)/.ready
MLSERVER_VENV ?= .venv-mlserver
MLSERVER_READY := $(MLSERVER_VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (a few minutes, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Assay needs Python 3.11 or newer; found " + sys.version.split()[0] + ": make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/pip install --quiet --editable ".[dev]"
	@touch $@

$(KERNEL_READY): pyproject.toml constraints.txt
	@test -x $(KERNEL_VENV)/bin/python || $(PYTHON) -m venv $(KERNEL_VENV)
	@PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(KERNEL_VENV)/bin/pip install --quiet --editable ".[test]"
	@touch $@

demo: $(READY)
	@$(BIN)/assay run quickstart --report report.html

test: $(READY) $(MLSERVER_READY) tools
	@MLSERVER=$(MLSERVER_VENV)/bin/mlserver $(BIN)/pytest

# What Python packages cannot bring: strace (kills at every write) and a browser. Without them, their tests say so and are skipped.
tools:
	@deploy/test-tools

tests: test

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

layers: $(READY)
	@$(BIN)/lint-imports

# The kernel's own tests, where no grpc, no protobuf and no torch is installed.
without_extras: $(KERNEL_READY)
	@$(KERNEL_VENV)/bin/pytest -q -m "not slow" tests/kernel

# LiteLLM's proxy, against which our way to a vendor is measured, lives in an environment of its own.
$(LITELLM_READY):
	@test -x $(LITELLM_VENV)/bin/python || $(PYTHON) -m venv $(LITELLM_VENV)
	@$(LITELLM_VENV)/bin/pip install --quiet "litellm[proxy]==1.106.2"
	@touch $@

# MLServer, a server of the Open Inference Protocol that is not Triton, lives in an environment of its own.
$(MLSERVER_READY):
	@test -x $(MLSERVER_VENV)/bin/python || $(PYTHON) -m venv $(MLSERVER_VENV)
	@$(MLSERVER_VENV)/bin/pip install --quiet "mlserver==1.7.1" && touch $@ || echo "MLServer cannot be installed here; the tests that want it are skipped"

bench: $(READY) $(LITELLM_READY)
	@LITELLM=$(LITELLM_VENV)/bin/litellm $(BIN)/python -m tests.benchmarks

check: lint types layers without_extras test

train: $(READY)
	@$(BIN)/python -m training.shapes_vlm
	@$(BIN)/python -m training.shapes_diffusion
	@$(BIN)/python -m training.adversarial

clean:
	rm -rf $(VENV) $(KERNEL_VENV) $(LITELLM_VENV) $(MLSERVER_VENV) assay-data report.html .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
