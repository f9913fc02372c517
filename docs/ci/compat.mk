# Targets for a Makefile: `include compat.mk`. Set IMAGE, and SIGN where it is signed.
#
#   make compat-publish IMAGE=registry.example/app:1.2 SIGN=key:cosign.key

COMPATBUILD ?= compatbuild
COMPAT_SPECS ?= compat.yaml.j2
COMPAT_SYSTEMS ?= all
COMPAT_OUT ?= build

# Recipes see these as variables of the shell, so that nothing in a value is run.
export COMPAT_SYSTEMS COMPAT_OUT
compat-infer compat-check compat-publish: export COMPAT_IMAGE = $(IMAGE)
compat-publish: export COMPAT_SIGN = $(SIGN)

.PHONY: compat-validate compat-infer compat-check compat-publish

compat-validate: ## find mistakes in specifications and templates
	$(COMPATBUILD) validate -- $(COMPAT_SPECS)

compat-infer: ## say what the image needs, with the evidence
	@test -n "$$COMPAT_IMAGE" || { echo "Name the image: make $@ IMAGE=registry.example/app:1.2" >&2; exit 2; }
	$(COMPATBUILD) infer "$$COMPAT_IMAGE" -o table -o "json=$$COMPAT_OUT/compat-report.json"

compat-check: compat-infer ## say on which operating systems the image runs
	$(COMPATBUILD) check "$$COMPAT_OUT/compat-report.json" --os "$$COMPAT_SYSTEMS" -o summary

compat-publish: compat-validate ## publish, and sign with SIGN=key:FILE
	@test -n "$$COMPAT_IMAGE" || { echo "Name the image: make $@ IMAGE=registry.example/app:1.2" >&2; exit 2; }
	$(COMPATBUILD) publish "$$COMPAT_IMAGE" $${COMPAT_SIGN:+--sign "$$COMPAT_SIGN"}
