# make demo: a cut-out of the bundled photograph in demo/. make test: the suite without what is slow; make test-all:
# all of it. make web: the npm package and the static page's wheel. Each makes what it needs.
PYTHON ?= python3
PIP := -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-compile --constraint constraints.txt
CORE := .venv-core/bin
DEV := .venv/bin

# Node.js does not look at the certificates of the system by itself.
export NODE_EXTRA_CA_CERTS ?= $(wildcard /etc/ssl/certs/ca-certificates.crt)

.PHONY: demo test test-all check site web package lock clean

demo: .venv-core/ready
	$(CORE)/python examples/demo.py demo

test: .venv/ready
	@scripts/chromium
	@scripts/node
	$(DEV)/python -m pytest -m "not slow"

test-all: .venv/ready
	@scripts/chromium
	@scripts/node
	$(DEV)/python -m pytest

check: .venv/ready
	@scripts/chromium
	@scripts/node
	PATH="$(CURDIR)/$(DEV):$$PATH" scripts/check

site: .venv/ready
	NO_MKDOCS_2_WARNING=1 $(DEV)/python -m mkdocs build --strict

package: .venv/ready
	PATH="$(CURDIR)/$(DEV):$$PATH" scripts/package

# The npm package (web/limner-*.tgz) and the wheel of limner[web] (web/dist/), which `limner web` needs.
web:
	npm ci --prefix web --ignore-scripts --no-audit --no-fund
	$(PYTHON) scripts/build_web.py
	npm pack ./web --pack-destination web --ignore-scripts
	$(PYTHON) $(PIP) wheel --quiet --no-deps --wheel-dir web/dist ./web

.venv-core/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-core
	@echo "installing Limner's core packages into .venv-core"
	$(CORE)/python $(INSTALL) --editable .
	touch $@

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	@echo "installing everything that tests need into .venv (a few minutes the first time)"
	$(DEV)/python $(INSTALL) torch==2.13.0
	$(DEV)/python $(INSTALL) --editable '.[dev]'
	touch $@

# Pin every package again to what is newest today.
lock: .venv/ready
	$(DEV)/python $(PIP) install --quiet uv
	$(DEV)/uv pip compile --quiet --universal --python-version 3.10 --all-extras --upgrade --no-emit-package limner-web \
		--custom-compile-command "make lock" --output-file constraints.txt pyproject.toml

clean:
	rm -rf .venv .venv-core demo build dist
