# The commands a person needs. `make` builds dist/semac, which carries its runtime inside.

CARGO ?= cargo
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
TARGET_DIR := $(abspath $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target))
RUNTIME := $(TARGET_DIR)/$(HOST)/runtime/sema-rt
# Where the conformance cases are; `make conformance` is skipped without them.
CONFORMANCE ?= ../shared/conformance

.PHONY: all runtime semac demo test bench conformance fmt lint clean

all: semac

# Static and at a fixed address, so that programs run in an empty directory and start fast.
runtime:
	RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" \
	$(CARGO) build --profile runtime --package sema-runtime --bin sema-rt --target $(HOST)

semac: runtime
	SEMAC_EMBED_RUNTIME="$(RUNTIME)" $(CARGO) build --release --package semac
	@mkdir -p dist
	@cp "$(TARGET_DIR)/release/semac" dist/semac
	@cp "$(RUNTIME)" dist/sema-rt
	@ls -lh dist/semac dist/sema-rt | awk '{ print $$5, $$NF }'

# The sample application of fixtures/app: built, then run alone in an empty directory.
demo: semac
	@sh fixtures/app/demo.sh "$(CURDIR)/dist/semac"

# Everything: unit tests, golden files, and end-to-end tests with executables of the same profile.
test:
	$(CARGO) build --package semac --package sema-runtime --bins
	SEMAC_TEST_SEMAC="$(TARGET_DIR)/debug/semac" SEMAC_TEST_RUNTIME="$(TARGET_DIR)/debug/sema-rt" \
	CARGO="$(CARGO)" sh tests/run.sh

bench: semac
	@bench/programs.py --semac dist/semac
	@dist/semac build fixtures/programs/hello.sema -o dist/demo/hello
	@bench/startup.py dist/demo/hello

conformance: semac
	@sh tests/conformance.sh "$(CONFORMANCE)" "$(CURDIR)/dist/semac" conformance.txt

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

clean:
	$(CARGO) clean
	rm -rf dist
