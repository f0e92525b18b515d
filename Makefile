# Every target sets up what is missing by itself: a virtual environment in .venv, filled from requirements.txt.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never
unexport PYTHONDONTWRITEBYTECODE # else each of the many processes of a stack, a test or a load compiles all that it imports
PYTHON ?= $(shell command -v python3 || command -v python)
VENV := .venv
BIN := $(VENV)/bin
TWINSHOP := $(BIN)/twinshop
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header
SIDE_BY_SIDE = $(BIN)/python -m tests.side_by_side $(if $(SLOW),--slowest 30) $(if $(JOBS),--jobs $(JOBS))
STACK ?= both
ARCHIVE ?= twinshop-images.tar.gz
# need NAMES,EXAMPLE: variables that a target cannot do without
need = for name in $(foreach name,$(1),$(if $($(name)),,$(name))); do echo "$$name is missing: $(2)"; exit 2; done
on_stack = $(if $(filter-out both,$(STACK)),--stack $(STACK))

$(VENV)/.ready: requirements.txt pyproject.toml twinshop/setup.sh
	@bash twinshop/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

.PHONY: help setup demo test test-short test-all test-docs lint doctor up down status stats scale kill hold release pause resume restart logs route fault heal trace profile reset lab \
	bench compare claims experiment chaos migrate migrate-back room locust screenshots side-by-side requirements clean \
	images images-save images-load compose-up compose-down compose-demo test-compose test-kubernetes docs-site

help: ## show this list
	@awk -F ':.*## ' '/^[a-z][a-z -]*:.*## /{printf "  %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make the virtual environment (every other target does it when it is missing)

demo: $(VENV)/.ready ## start both shops, prove they behave the same, compare them, write the report (about 4 minutes)
	@$(TWINSHOP) demo

test: $(VENV)/.ready ## unit tests, journeys on all arms, contract, failpoints, docs (SLOW=1 shows the slowest 30, JOBS=2 runs so many shards at once)
	@$(MAKE) --no-print-directory -j2 lint test-short

test-short: $(VENV)/.ready ## the tests of make test, without its lint
	@$(SIDE_BY_SIDE)

test-all: lint ## everything, the long tests too
	@$(BIN)/pytest -q

test-docs: $(VENV)/.ready ## every command and expected output of the labs and the README, and every exercise (part of test-all)
	@$(BIN)/pytest -q tests/docs

lint: $(VENV)/.ready ## format, lint, types, and who may import whom
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

up: $(VENV)/.ready ## start both stacks as local processes (STACK=monolith|microservices|colocated for one; TRACE=1: with tracing)
	@$(TWINSHOP) up $(STACK) $(if $(TRACE),--trace --sampling $(TRACE))

down: $(VENV)/.ready ## stop all that was started (STACK=... for one)
	@$(TWINSHOP) down $(STACK)

doctor: $(VENV)/.ready ## what this machine has for both shops, what it lacks, and what to do
	@$(TWINSHOP) doctor

status: $(VENV)/.ready ## which parts run, and how they are
	@$(TWINSHOP) status $(filter-out both,$(STACK))

stats: $(VENV)/.ready ## CPU and memory by part
	@$(TWINSHOP) stats

scale: $(VENV)/.ready ## make scale SERVICE=payments N=3
	@$(call need,SERVICE N,make scale SERVICE=payments N=3)
	@$(TWINSHOP) scale $(on_stack) -- $(SERVICE) $(N)

kill hold release pause resume restart logs: $(VENV)/.ready ## make kill SERVICE=payments (kill -9), hold, release, pause, resume, restart, logs
	@$(call need,SERVICE,make $@ SERVICE=payments)
	@$(TWINSHOP) $@ $(SERVICE) $(on_stack)

route: $(VENV)/.ready ## make route SERVICE=catalog SHARE=v2=10% (STICKY=1; RESET=1; without SHARE: show): two versions of a part
	@$(call need,SERVICE,make route SERVICE=catalog SHARE=v2=10%)
	@$(TWINSHOP) route $(SERVICE) $(SHARE) $(if $(STICKY),--sticky) $(if $(RESET),--reset) $(on_stack)

fault: $(VENV)/.ready ## make fault NAME=kill PART=payments STACK=microservices FOR=30s (without NAME: all there are)
	@$(TWINSHOP) fault $(or $(NAME),list) $(if $(PART),--part $(PART)) $(on_stack) $(if $(FOR),--for $(FOR))

heal: $(VENV)/.ready ## heal whatever is broken on purpose (STACK=... for one)
	@$(TWINSHOP) heal $(on_stack)

trace: $(VENV)/.ready ## where the time of an order went, in both builds (ORDER="id id"; without: the latest orders)
	@$(TWINSHOP) trace $(or $(ORDER),--latest) $(on_stack)

profile: $(VENV)/.ready ## where the CPU of an order and of a list goes: flame graphs of both builds (about 2 minutes)
	@$(TWINSHOP) profile

reset: $(VENV)/.ready ## fresh data in running stacks (STACK=... for one)
	@$(TWINSHOP) reset $(STACK)

bench: $(VENV)/.ready ## CPU of one order and one list against the database floor, all arms, one run
	@$(TWINSHOP) bench

compare: $(VENV)/.ready ## any two things: make compare A=monolith B=monolith:web.WEB_THREADS=64 (a commit: B=@main~20; QUICK=1)
	@$(call need,A B,make compare A=monolith B=monolith:web.WEB_THREADS=64)
	@$(TWINSHOP) compare '$(A)' '$(B)' $(if $(TOKENS_FROM),--tokens-from '$(TOKENS_FROM)') $(if $(QUICK),--quick)

experiment: $(VENV)/.ready ## make experiment NAME=capacity (QUICK=1 for the short form)
	@$(call need,NAME,make experiment NAME=capacity)
	@$(TWINSHOP) experiment $(NAME) $(if $(QUICK),--quick)

claims: $(VENV)/.ready ## all twelve claims in half an hour, on one page (FULL=1: full forms; AGAIN=1: all anew; CLAIMS="C3 C8": these)
	@$(TWINSHOP) claims $(CLAIMS) $(if $(FULL),--full) $(if $(AGAIN),--again)

room: $(VENV)/.ready ## the control room: both architectures live on one page, port 8000
	@$(TWINSHOP) room

chaos: $(VENV)/.ready ## make chaos MINUTES=5: kill -9 at random under load in both builds; nothing may be lost
	@$(TWINSHOP) chaos --minutes $(or $(MINUTES),5)

migrate: $(VENV)/.ready ## move a module out of the running monolith: make migrate PART=notifications
	@$(call need,PART,make migrate PART=notifications)
	@$(TWINSHOP) migrate $(PART)

migrate-back: $(VENV)/.ready ## move it back in: make migrate-back PART=notifications
	@$(call need,PART,make migrate-back PART=notifications)
	@$(TWINSHOP) migrate --back $(PART)

locust: $(VENV)/.ready ## Locust's own web page on port 8089, with the shop's users
	@$(TWINSHOP) locust

screenshots: $(VENV)/.ready ## the pictures of the README, from shops that are up and get fresh data first (needs a Chromium)
	@$(TWINSHOP) screenshots

images: $(VENV)/.ready ## build the container images, write this machine's secrets, and say how large the images are
	@$(BIN)/python -m deploy.compose.build_images build

images-save: images ## all images in one archive, for machines without a registry (ARCHIVE=twinshop-images.tar.gz)
	@$(BIN)/python -m deploy.compose.build_images save $(ARCHIVE)

images-load: $(VENV)/.ready ## read that archive back (ARCHIVE=...)
	@$(BIN)/python -m deploy.compose.build_images load $(ARCHIVE)

compose-up: images ## start both stacks as containers (STACK=... for one)
	@$(TWINSHOP) --on compose up $(STACK)

compose-down: $(VENV)/.ready ## stop the containers; nothing of them is left, data included (STACK=... for one)
	@$(TWINSHOP) --on compose down $(STACK)

compose-demo: images ## the demo, on containers
	@$(TWINSHOP) --on compose demo

test-compose: images ## the container tests, and the journeys and every fault on both builds in containers
	@$(SIDE_BY_SIDE) --containers

test-kubernetes: $(VENV)/.ready ## what Kubernetes is given, rendered and checked; with podman and the images of make images, both shops as Pods
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r deploy/kubernetes/requirements.txt
	@$(BIN)/pytest -q tests/kubernetes

docs-site: $(VENV)/.ready ## the documentation as a site in .twinshop/site, to be read without a network
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r docs/site/requirements.txt
	@$(BIN)/python docs/site/build.py .twinshop/site
	@echo "$(CURDIR)/.twinshop/site/index.html; with search and diagrams: python3 -m http.server --bind 127.0.0.1 -d .twinshop/site"

lab: $(VENV)/.ready ## the workshop's labs: make lab lists them, make lab N=1 goes through one (WITH=--check checks its exercise)
	@$(TWINSHOP) lab $(N) $(WITH)

FILE_OF_place-order := orders/place_order.py
FILE_OF_cancel-order := orders/cancel_order.py
FILE_OF_settle := orders/settle.py
FILE_OF_refund := payments/refund_for_admin.py
side-by-side: ## one job in both builds, side by side: NAME=place-order, cancel-order, settle or refund
	@test -n "$(FILE_OF_$(NAME))" || { echo "NAME=$(NAME)? There are place-order, cancel-order, settle and refund."; exit 2; }
	@diff -y -W $${COLUMNS:-$$(tput cols 2>/dev/null || echo 200)} monolith/$(FILE_OF_$(NAME)) microservices/$(FILE_OF_$(NAME)) || true

IMAGE_EXTRAS := edge monolith services notifications tracing outside locust
requirements: $(VENV)/.ready ## compile requirements.txt from pyproject.toml, and what each image installs of it
	@$(COMPILE) --all-extras pyproject.toml -o requirements.txt
	@$(COMPILE) --constraint requirements.txt --group kubernetes -o deploy/kubernetes/requirements.txt
	@$(COMPILE) --constraint requirements.txt --group site -o docs/site/requirements.txt
	@for extra in $(IMAGE_EXTRAS); do $(COMPILE) --constraint requirements.txt --extra $$extra pyproject.toml -o deploy/compose/images/$$extra.txt || exit 1; done
	@sed -i.bak '1i # Compiled from pyproject.toml by `make requirements`. Do not edit.' requirements.txt deploy/kubernetes/requirements.txt docs/site/requirements.txt deploy/compose/images/*.txt && rm requirements.txt.bak deploy/kubernetes/*.bak docs/site/*.bak deploy/compose/images/*.bak

clean: ## stop everything and remove .venv and .twinshop (reports stay)
	@test ! -x $(TWINSHOP) || $(TWINSHOP) down both
	@rm -rf .venv .twinshop
