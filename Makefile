# `make help` lists the targets. Each one does the set-up it needs; that takes a second when it is done.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile
PYTHON ?=
TICKER ?= AAPL
ARGS ?=
# All but those of the test cluster: make test TESTS='not cluster'
TESTS ?= not container and not monitoring and not cluster and not browser and not postgres and not spark
ENGINE ?=
BASE_IMAGE ?=
export PYTHON ENGINE BASE_IMAGE

# What runs the set-up itself: any Python 3. It then picks the Python of .venv.
STARTER := $(firstword $(foreach name,$(PYTHON) python3 python3.11 python3.12 python3.13,$(shell command -v $(name))))

.PHONY: help
help:  ## list the targets
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24
	@echo "  Settings: PYTHON=python3.11 (else chosen), TICKER=AAPL and ARGS='--set train.seed=2' (make run)"

.PHONY: setup
setup:  ## make .venv ready; every other target does this by itself
	@$(or $(STARTER),echo "set-up: python3 is missing; apt-get install python3.11-dev python3.11-venv g++" >&2; exit 1;) \
	  -m pipeline.install

.PHONY: run
run: setup  ## train, evaluate, push, and ask the pushed model for a forecast
	@$(BIN)/marketcast run $(ARGS)
	@$(BIN)/marketcast forecast --ticker $(TICKER)

.PHONY: test
test: setup  ## all tests but those of the image, one full pipeline run on real data among them
	@$(PYTEST) -m "$(TESTS)"

.PHONY: test-image
test-image: setup image  ## the tests that run containers of the image
	@$(PYTEST) -m container

.PHONY: test-monitoring
test-monitoring: setup  ## the rules by promtool, and the dashboard by a Prometheus that scrapes our server
	@$(BIN)/python -m pytest -m monitoring

.PHONY: test-browser
test-browser: setup  ## the report in a headless Chromium
	@$(BIN)/python -m pytest -m browser

.PHONY: test-postgres
test-postgres: setup  ## bars out of a PostgreSQL of this machine and runs into it, over TLS
	@$(BIN)/python -m pytest -m postgres
.PHONY: test-spark
test-spark: setup  ## the ingest on a Spark, two workers at work, of which some are killed
	@$(BIN)/python -m pytest -m spark

.PHONY: k8s-render
k8s-render: setup  ## each overlay of k8s/ as plain YAML, in build/k8s
	@mkdir -p build/k8s
	@kubectl="$$($(BIN)/python -m tests.cluster kubectl)"; for overlay in k8s/overlays/*/; do \
	  rendered="build/k8s/$$(basename "$$overlay").yaml"; \
	  "$$kubectl" kustomize "$$overlay" > "$$rendered.new"; mv "$$rendered.new" "$$rendered"; echo "$$rendered"; \
	done

.PHONY: k8s-check
k8s-check: setup  ## names, files, rules of the house, schemas of four versions of Kubernetes
	@$(BIN)/python -m pytest -m "not monitoring" tests/k8s

CHECKOV := checkov==3.3.30

.PHONY: k8s-scan
k8s-scan: k8s-render  ## checkov on the production overlay; what it does not like and we do says why beside it
	@$(BIN)/uv tool run --quiet --system-certs --python $(BIN)/python $(CHECKOV) --framework kubernetes --compact --quiet \
	  --skip-download --file build/k8s/prod.yaml

.PHONY: cluster-build
cluster-build: setup  ## build a Kubernetes from source, once: ten minutes on two cores, then kept in ~/.cache
	@$(BIN)/python -m tests.cluster build

.PHONY: cluster-up
cluster-up: setup  ## start that Kubernetes on this machine, in namespaces of its own; as root
	@$(BIN)/python -m tests.cluster up
	@echo "for example: $(BIN)/python -m tests.cluster enter kubectl get nodes"

.PHONY: cluster-test
cluster-test: setup  ## the manifests on a fresh cluster, with the image that was built last
	@$(BIN)/python -m tests.cluster test

.PHONY: cluster-down
cluster-down: setup  ## end the cluster and leave nothing behind
	@$(BIN)/python -m tests.cluster down

# The package alone, for its data: what it needs itself clashes with TFX.
SKFOLIO := skfolio==0.11.0

.PHONY: data-benchmark
data-benchmark: setup  ## closes of 20 large US companies, 1990 to 2022, as bars in data/benchmark
	@$(BIN)/uv pip install --quiet --system-certs --no-deps --target build/skfolio $(SKFOLIO)
	@$(BIN)/python -m benchmarks.sp500 build/skfolio data/benchmark/sp500.parquet

.PHONY: static
static: setup  ## lint, format, types and import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: check
check: static  ## static checks and the fast tests
	@$(BIN)/python -m pytest -m "not tf and not e2e and not container and not monitoring and not cluster and not browser and not postgres and not spark"

.PHONY: image
image:  ## build the container image; ENGINE=docker, podman or buildah and BASE_IMAGE overrule the choice
	@$(STARTER) -m pipeline.image.build

.PHONY: rehearse
rehearse: setup image  ## compile for Kubeflow and run it here, each task in a container of the image, then a forecast
	@mkdir -p run
	@$(BIN)/marketcast compile -o run/pipeline.yaml
	@$(BIN)/marketcast rehearse run/pipeline.yaml --as container $(ARGS)
	@$(BIN)/marketcast forecast --ticker $(TICKER) \
	  --model-base-path run/rehearsal/marketcast/volumes/marketcast-models/marketcast

.PHONY: base-image
base-image:  ## renew the image that `image` builds on: pulled, else made from Debian's packages
	@$(STARTER) -m pipeline.image.build --base

# uv repeats the environment of pyproject.toml's [tool.uv] on every line; what is left says something.
LOCKED_FOR := and platform_machine == 'x86_64' and platform_python_implementation == 'CPython' and sys_platform == 'linux'
UV_COMPILE := $(BIN)/uv pip compile --quiet --system-certs --no-emit-index-url --custom-compile-command "make lock" $(ARGS)

.PHONY: protos
protos: setup  ## make the Python of serving/protos/*.proto again
	@$(BIN)/uv run --quiet --no-project --isolated --system-certs --with grpcio-tools==1.62.3 --with 'setuptools<82' \
	  python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. serving/protos/*.proto

.PHONY: lock
lock: setup  ## solve both dependency sets again; pins that still fit stay, unless ARGS=--upgrade
	@$(UV_COMPILE) requirements/wide.in requirements/dev.in --python-version 3.11 --python-platform x86_64-manylinux_2_17 \
	  --output-file requirements/wide.txt > /dev/null
	@$(UV_COMPILE) requirements/current.in requirements/dev.in --python-version 3.11 --universal --output-file requirements/current.txt > /dev/null
	@sed -i -E "s/ $(LOCKED_FOR)//; s/ ; python_full_version < '3.14'$$//" requirements/current.txt

.PHONY: docs
docs: setup  ## write docs/config.md anew from the dataclasses
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -W ignore -m pipeline.config_reference > docs/config.md.new
	@mv docs/config.md.new docs/config.md

.PHONY: clean
clean:  ## remove everything made here: .venv, runs, models, caches
	rm -rf .venv run models build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
