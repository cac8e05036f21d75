# The commands a person needs. `make` builds dist/semac, which carries its runtime inside.

CARGO ?= cargo
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
TARGET_DIR := $(abspath $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target))
# Runtimes are linked with musl where Rust has it for this machine: smaller, faster to start, and
# nothing is opened at run time (docs/adr/0003-runtime-executables.md). Else with the host's libc.
MUSL := $(subst -gnu,-musl,$(HOST))
RUNTIME_TARGET = $(shell sh tools/runtime-target.sh "$(HOST)" "$(MUSL)")
# What the C parts (zstd, ring) need to be compiled for musl with the host's C compiler. Their levels are those of their crates (Cargo.toml).
MUSL_CC := CC_$(subst -,_,$(MUSL))=cc CFLAGS_$(subst -,_,$(MUSL))="-U_FORTIFY_SOURCE -fno-stack-protector"
# The linker of runtimes for any target, as cargo wants it named.
upper = $(shell echo "$(1)" | tr a-z- A-Z_)
LINKER = CARGO_TARGET_$(call upper,$(MUSL))_LINKER="$(CURDIR)/tools/link-runtime.sh" \
	CARGO_TARGET_$(call upper,$(HOST))_LINKER="$(CURDIR)/tools/link-runtime.sh"
# What ships names no directory of the machine that it was built on.
REMAP = $(shell sh tools/remap.sh "$(CURDIR)")
# Optimised for speed, but inlining only what is small, and less where a tier has more: docs/adr/0003-runtime-executables.md. The option
# `inline-threshold` would replace the thresholds of crates that are optimised for size; this one is for the rest.
FLAGS = -C target-feature=+crt-static -C relocation-model=static -C llvm-args=-inlinedefault-threshold=$(1) $(2) $(REMAP)
RUNTIME_ENV = $(MUSL_CC) $(LINKER) RUSTFLAGS="$(call FLAGS,$(1),$(2))"
# In the network's tiers builtins are optimised for size, where all that is generic ends up (docs/adr/0015-network.md).
NETWORK_SIZE = $(foreach package,miniz_oxide num-bigint sema-natives,--config 'profile.runtime.package.$(package).opt-level="s"')
# There, what is declared `inline` is inlined only where it is small as well.
NETWORK_ENV = $(call RUNTIME_ENV,18,-C llvm-args=-inlinehint-threshold=95)
# Copies a runtime that was built to where semac finds it, with its licences. The rest of the path follows.
PLACE = CARGO="$(CARGO)" tools/place-runtime.sh "$(TARGET_DIR)/$$target/runtime
# Where the conformance cases are; `make conformance` is skipped without them.
CONFORMANCE ?= ../shared/conformance

.PHONY: all install dist deb runtime all-runtimes runtimes dynamic semac demo test tail-calls differential bench instructions docs inventory fuzz pairs conformance notices soak fuzz-smoke \
	stress stress-semac stress-programs miri fmt lint clean

all: semac

# Static and at a fixed address, so that programs run in an empty directory and start fast.
runtime:
	@mkdir -p dist
	target=$(RUNTIME_TARGET); \
	env $(call RUNTIME_ENV,100) \
	$(CARGO) build --profile runtime --package sema-rt --bin sema-rt --target $$target && \
	$(PLACE)/sema-rt" dist/sema-rt sema-rt "" $$target

# The runtimes of the higher tiers, where semac looks for them: dist/runtimes/TARGET/sema-rt-TIER. As long as tier full has no
# builtins of its own, it has no runtime either: linking one takes minutes.
all-runtimes:
	@mkdir -p dist/runtimes/$(HOST)
	target=$(RUNTIME_TARGET); \
	env $(call RUNTIME_ENV,32) \
	$(CARGO) build --profile runtime --package sema-rt --bin sema-rt --features std --target $$target && \
	$(PLACE)/sema-rt" dist/runtimes/$(HOST)/sema-rt-std sema-rt std $$target || exit 1; \
	tiers="net full"; ! grep -qx 'full = \["net"\]' runtime/natives/Cargo.toml || tiers=net; \
	for tier in $$tiers; do \
	env $(NETWORK_ENV) \
	$(CARGO) build $(NETWORK_SIZE) --profile runtime --package sema-rt --bin sema-rt --features $$tier --target $$target && \
	$(PLACE)/sema-rt" dist/runtimes/$(HOST)/sema-rt-$$tier sema-rt $$tier $$target || exit 1; \
	done

# The runtimes of another platform, `make runtimes TARGET=aarch64`, riscv64 or wasm32, perhaps only some: TIERS="core std".
runtimes:
	@test -n "$(TARGET)" || { echo "make runtimes TARGET=aarch64 (or riscv64, wasm32)" >&2; exit 2; }
	env RUSTFLAGS="$(call FLAGS,75)" CARGO="$(CARGO)" sh tools/cross-runtimes.sh "$(TARGET)" dist/runtimes $(TIERS)

# The runtime that contains the compiler, for `semac build --dynamic`.
dynamic:
	@mkdir -p dist
	target=$(RUNTIME_TARGET); \
	env $(call RUNTIME_ENV,75) \
	$(CARGO) build --profile runtime --package sema-rt-dynamic --bin sema-rt-dynamic --target $$target && \
	$(PLACE)/sema-rt-dynamic" dist/sema-rt-dynamic sema-rt-dynamic "" $$target

semac: runtime dynamic
	SEMAC_EMBED_RUNTIME="$(CURDIR)/dist/sema-rt" \
	SEMAC_EMBED_COMPONENTS="$(CURDIR)/dist/sema-rt.components.json" RUSTFLAGS="$(REMAP)" $(CARGO) build --release --package semac --bin semac
	@cp "$(TARGET_DIR)/release/semac" dist/semac
	@ls -lh dist/semac dist/sema-rt dist/sema-rt-dynamic | awk '{ print $$5, $$NF }'

# The sample application of fixtures/app: built, then run alone in an empty directory.
demo: semac
	@sh fixtures/app/demo.sh "$(CURDIR)/dist/semac"

# The licences of everything that ships, C parts included.
notices:
	@mkdir -p dist
	@tools/notices.py dist/NOTICES.txt

# Installs what has been built, below DESTDIR if that is set: `make all-runtimes all` builds it.
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

install: dist/NOTICES.txt
	@sh tools/stage.sh "$(DESTDIR)$(PREFIX)"
	@echo "Installed semac $(VERSION) in $(DESTDIR)$(PREFIX)"

dist/NOTICES.txt:
	@$(MAKE) --no-print-directory notices

# What people download: one archive with everything that has been built, runtimes of other platforms included.
dist: semac all-runtimes notices
	@sh tools/archive.sh "dist/semac-$(VERSION)-$(HOST).tar.gz"
	@cat "dist/semac-$(VERSION)-$(HOST).tar.gz.sha256"

# The same as a Debian package.
deb: semac all-runtimes notices
	@sh tools/deb.sh dist "$(VERSION)"

# Everything: unit tests, golden files, and end-to-end tests with executables of the same profile.
test:
	$(CARGO) build --package semac --package sema-rt-dynamic --package sema-rt --features sema-rt/full --bins
	SEMAC_TEST_SEMAC="$(TARGET_DIR)/debug/semac" SEMAC_TEST_RUNTIME="$(TARGET_DIR)/debug/sema-rt" \
	CARGO="$(CARGO)" sh tests/run.sh

# Optimised builds go from handler to handler by jumps, whatever the number of codegen units: semac ships with 4,
# runtimes with 1. Only the machine is compiled again for each, and what is linked with it in the runtime of core.
tail-calls:
	$(CARGO) build --package semac --bin semac
	for units in 1 4 16; do \
	CARGO_PROFILE_RELEASE_LTO=off $(CARGO) build --release --package sema-rt --bin sema-rt --target-dir "$(TARGET_DIR)/tail-calls" \
	--config "profile.release.package.sema-machine.codegen-units=$$units" && \
	sh tests/tail-calls.sh "$(TARGET_DIR)/debug/semac" "$(TARGET_DIR)/tail-calls/release/sema-rt" || exit 1; \
	done

# The reference page of the builtins, from their declarations.
docs:
	$(CARGO) build --package semac --bin semac
	@"$(TARGET_DIR)/debug/semac" doc --markdown > docs/builtins.md

# The page of what there is of a specification: SPECIFICATION names its table of builtins.
inventory:
	$(CARGO) build --package semac --bin semac
	@tools/inventory.py --semac "$(TARGET_DIR)/debug/semac" "$(SPECIFICATION)" > docs/inventory.md

# What programs print must not depend on the level of optimisation.
differential:
	$(CARGO) build --package semac --bin semac
	@tools/differential.py "$(TARGET_DIR)/debug/semac" fixtures/programs/*.sema fixtures/bench/*.sema \
	$(if $(wildcard $(CONFORMANCE)/run.py),--cases "$(CONFORMANCE)")

bench: semac all-runtimes
	@bench/programs.py --semac dist/semac
	@bench/formats.py --semac dist/semac
	@bench/scaling.py --semac dist/semac
	@bench/pauses.py --semac dist/semac
	@bench/build.py --semac dist/semac
	@bench/modules.py --semac dist/semac
	@bench/vectors.py --semac dist/semac
	@bench/agents.py --semac dist/semac
	@bench/server.py --semac dist/semac
	@mkdir -p dist/demo
	@dist/semac build --time-passes fixtures/programs/hello.sema -o dist/demo/hello
	@mkdir -p dist/demo/assets && head -c 100000000 /dev/urandom > dist/demo/assets/large.bin
	@cd dist/demo && ../semac build ../../fixtures/programs/hello.sema --include assets -o assets-100mb
	@bench/startup.py dist/demo/hello dist/demo/assets-100mb
	@bench/shipping.py --semac dist/semac

# Counts machine instructions of the benchmark programs against bench/instructions.txt.
instructions: semac
	@command -v valgrind >/dev/null || sh tools/install.sh valgrind
	@bench/instructions.py --semac dist/semac

# Coverage-guided fuzzing, SECONDS for each target; needs nightly Rust and cargo-fuzz. The bounded
# walks over the same ground are part of the tests.
SECONDS ?= 60
fuzz:
	@sh fuzz/run.sh $(SECONDS)

# Mixed load with faults on a server, for MINUTES: no answer may be lost, and memory must stay.
MINUTES ?= 10
soak:
	@python3 tests/soak.py "$(CURDIR)/dist/semac" $$(($(MINUTES) * 60))
# Whether all targets build, and hold for a moment.
fuzz-smoke:
	@sh fuzz/run.sh 10

# How often one instruction of the VM follows another (docs/performance.md).
pairs:
	$(CARGO) build --package semac --bin semac
	$(CARGO) build --package sema-rt --bin sema-rt --features full,count-pairs --target-dir "$(TARGET_DIR)/pairs"
	@tools/pairs.py "$(TARGET_DIR)/debug/semac" "$(TARGET_DIR)/pairs/debug/sema-rt"


# Through `semac run`, then through executables.
conformance: semac all-runtimes
	@sh tests/conformance.sh "$(CONFORMANCE)" "$(CURDIR)/dist/semac" conformance.txt run
	@sh tests/conformance.sh "$(CONFORMANCE)" "$(CURDIR)/dist/semac" conformance.txt built

# With garbage collected at every safepoint: the programs of the fixtures, and all conformance cases.
# This semac is built where the usual one is, to share the dependencies, and then copied to a place of its own.
stress-semac:
	@mkdir -p "$(TARGET_DIR)/stress"
	$(CARGO) build --package semac --features gc-stress --bin semac
	@cp "$(TARGET_DIR)/debug/semac" "$(TARGET_DIR)/stress/semac"

stress-programs: stress-semac
	@sh tests/stress.sh "$(TARGET_DIR)/stress/semac"

stress: stress-programs
	@sh tests/conformance.sh "$(CONFORMANCE)" "$(TARGET_DIR)/stress/semac" conformance.txt stress

# Unsafe code under Miri, as far as that can run it: CONTRIBUTING.md says what. Needs a nightly toolchain with miri and rust-src.
MIRI_TESTS := vm::units host::kept memory::value memory::account memory::heap::list memory::heap::text \
	memory::heap::collect::tests::the_barrier memory::heap::collect::tests::foreign
miri:
	MIRIFLAGS="-Zmiri-permissive-provenance -Zmiri-disable-isolation" $(CARGO) +nightly miri test --package sema-machine --lib \
	--target-dir "$(TARGET_DIR)/miri" -- $(MIRI_TESTS)

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features sema-embed/c-api -- -D warnings

clean:
	$(CARGO) clean
	rm -rf dist
