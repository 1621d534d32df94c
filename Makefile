# make demo shows the whole thing, make test proves it, make help lists the rest.
# Everything a target needs (virtual environment, container engine, test images) it makes itself, once.

RUN := tests/bootstrap/run
IMAGES := debian12 debian13 forky probe data upgrade
# make molecule SCENARIO=host runs one scenario.
SCENARIO ?=

.PHONY: help demo demo-down test venv engine images lint sanity unit versions docs-lint docs package molecule bench clean

help: ## What there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: venv engine ## A mail host in a container, and the proof that mail flows through it
	@tests/images/build debian13
	@tests/bootstrap/demo up

demo-down: ## Remove the demo
	@tests/bootstrap/demo down

test: ## Everything: linters, sanity, unit tests, versions, documents, package, all Molecule scenarios
	@tests/all

venv: ## The virtual environment .venv with all tools
	@tests/bootstrap/venv

engine: ## A container engine, if none answers
	@tests/bootstrap/engine

images: engine ## The test images
	@tests/images/build $(IMAGES)

lint: venv ## Linters, types and the rules of the house
	@$(RUN) tests/gates/lint

sanity: venv ## ansible-test sanity
	@$(RUN) tests/gates/sanity

unit: venv ## Unit tests
	@$(RUN) tests/gates/unit

versions: venv images ## Unit tests and a small scenario with the oldest and the newest ansible-core
	@$(RUN) tests/gates/versions

docs-lint: venv ## Documentation of plugins and roles
	@$(RUN) tests/gates/docs

docs: venv ## The documentation as a site of static pages, in .cache/site/html
	@$(RUN) tests/gates/site

package: venv ## Build, install and import the collection's tarball
	@$(RUN) tests/gates/package

molecule: venv images ## Molecule, all scenarios (three at a time) or SCENARIO=host
	@$(RUN) tests/gates/molecule $(SCENARIO)

bench: venv images ## Measure against a ping and against the raw tools; writes docs/bench.md
	@$(RUN) tests/bench/run

clean: ## Remove what make has made: test images, caches, .venv
	@tests/bootstrap/clean
