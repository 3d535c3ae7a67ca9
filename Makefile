SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
from_env_file = $(shell sed -n 's/^$(1)=\([0-9A-Fa-f.:]\{1,\}\)$$/\1/p' .env 2>/dev/null | tail -n 1)
PORT ?= $(or $(call from_env_file,PORT),8000)
WEB_WORKERS ?= $(or $(call from_env_file,WEB_WORKERS),2)
LISTEN_ADDRESS ?= $(or $(call from_env_file,LISTEN_ADDRESS),0.0.0.0)

.PHONY: run test check migrate serve bench trial messages requirements clean

$(VENV)/.ready: requirements-dev.txt
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/.ready-production: requirements.txt
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

run: $(VENV)/.ready
	@DEBUG=true PORT=$(PORT) $(PY) manage.py load_demo
	@DEBUG=true PORT=$(PORT) exec $(PY) manage.py runserver --skip-checks 127.0.0.1:$(PORT)

test: check
	@$(PY) -m pytest --numprocesses logical --dist loadfile

check: $(VENV)/.ready
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py makemigrations --check --dry-run
	@DJANGO_SETTINGS_MODULE=tests.deployed $(PY) manage.py check --deploy --fail-level WARNING
	@DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null

migrate: $(VENV)/.ready-production
	@$(PY) manage.py migrate

serve: export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
serve: export PORT := $(PORT)
serve: export WEB_WORKERS := $(WEB_WORKERS)
serve: export LISTEN_ADDRESS := $(LISTEN_ADDRESS)
serve: $(VENV)/.ready-production
	@$(PY) manage.py collectstatic --no-input --verbosity 0
	@exec deploy/serve

bench: $(VENV)/.ready
	@$(PY) -m tests.bench $(if $(ONLY),--only $(ONLY))

# Needs Debian's patroni, etcd-server, haproxy, pgbouncer, nginx, redis-server, postgresql-15.
trial: $(VENV)/.ready
	@$(PY) -m deploy.trial $(TRIAL)

# Needs GNU gettext (apt install gettext). Translate what is new in locale/, then run it again.
MESSAGES = $(PY) manage.py makemessages --locale th --no-location --no-wrap --no-obsolete \
	--ignore $(VENV) --ignore tests --ignore .data --ignore staticfiles --ignore vendor
messages: export DJANGO_SETTINGS_MODULE = tests.settings
messages: $(VENV)/.ready
	@$(MESSAGES)
	@$(MESSAGES) --domain djangojs
	@$(PY) manage.py compilemessages --ignore $(VENV)

requirements: $(VENV)/.ready
	@$(VENV)/bin/pip-compile --quiet --upgrade --strip-extras --no-annotate --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.txt pyproject.toml
	@$(VENV)/bin/pip-compile --quiet --upgrade --extra dev --strip-extras --no-annotate --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements-dev.txt pyproject.toml

clean:
	@rm -rf $(VENV) .data staticfiles
