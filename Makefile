# make demo: evaluate two local models through a real Triton.  make test: run every test.
.PHONY: demo test lint types layers tests without_extras protos protos-check bench train check clean tools
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
PROTOS_VENV ?= .venv-protos
PROTOS_READY := $(PROTOS_VENV)/.ready
NODE_VENV ?= .venv-node
NODE_READY := $(NODE_VENV)/.ready
BESIDE := PROTOS=$(abspath $(PROTOS_VENV))/bin/python NODE_PATH=$(abspath $(NODE_VENV))/node_modules
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

test: $(READY) $(MLSERVER_READY) $(PROTOS_READY) tools $(NODE_READY)
	@$(BESIDE) MLSERVER=$(MLSERVER_VENV)/bin/mlserver $(BIN)/pytest

# What Python packages cannot bring: strace (kills at every write), a browser, Node, PostgreSQL. Without them, their tests say so and are skipped.
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

# Generators of Python's code live in an environment of their own: they bring what may not stand beside tritonclient.
$(PROTOS_READY): constraints.txt
	@test -x $(PROTOS_VENV)/bin/python || $(PYTHON) -m venv $(PROTOS_VENV)
	@PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(PROTOS_VENV)/bin/pip install --quiet grpcio-tools mypy-protobuf googleapis-common-protos
	@touch $@

# Node's packages: buf, which lints the protos, and gRPC for a client that is not Python.
$(NODE_READY): | tools
	@mkdir -p $(NODE_VENV)
	@npm install --silent --no-audit --no-fund --prefix $(NODE_VENV) @bufbuild/buf@1.75.0 @grpc/grpc-js@1.14.7 @grpc/proto-loader@0.8.1 \
		&& touch $@ || echo "Node's packages cannot be installed here; the tests that want them are skipped"

protos: $(PROTOS_READY)
	@$(PROTOS_VENV)/bin/python proto/generate.py

protos-check: $(READY) $(PROTOS_READY) $(NODE_READY)
	@$(BESIDE) $(BIN)/pytest -q tests/proto

bench: $(READY) $(LITELLM_READY)
	@LITELLM=$(LITELLM_VENV)/bin/litellm $(BIN)/python -m tests.benchmarks

check: lint types layers without_extras test

train: $(READY)
	@$(BIN)/python -m training.shapes_vlm
	@$(BIN)/python -m training.shapes_diffusion
	@$(BIN)/python -m training.adversarial

clean:
	rm -rf $(VENV) $(KERNEL_VENV) $(LITELLM_VENV) $(MLSERVER_VENV) $(PROTOS_VENV) $(NODE_VENV) assay-data report.html .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
