# Targets a newcomer needs: make demo, make test. `make help` lists all.

BUILD    ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
JOBS     ?= $(shell nproc)
VERSION  := $(shell cat VERSION)
REVISION := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

# Lowest first: a layer includes those before it (make layers).
LAYERS   := base metrics doc net devcluster kube grpc script operator cli
PACKAGES := lua5.4 libcurl libcjson yaml-0.1 openssl zlib libuv libmicrohttpd libprotobuf-c

# The OpenSSF "Compiler Options Hardening Guide for C", as far as gcc 12 has them. Without -ftrivial-auto-var-init: in a
# local struct that holds arrays of structs with arrays of padded structs, gcc 12.2 clears bytes of values as if they were padding.
WARN   := -Wall -Wextra -Wformat=2 -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -Wpointer-arith -Wcast-qual -Wvla -Wundef -Werror
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
          -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fPIE
LINK_HARDEN := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed -Wl,--no-copy-dt-needed-entries

SANITIZE ?=
ifneq ($(SANITIZE),)
HARDEN      := -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fPIE
LINK_HARDEN := -pie -fsanitize=$(SANITIZE)
endif

CC       := gcc
CFLAGS   ?= -O2 -g
# Asked once, and only when something is compiled: a fresh machine has no pkg-config before `make deps`.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)) -lm)$(PKG_LIBS)
LANGUAGE := -std=gnu17 -D_GNU_SOURCE -Isrc
COMPILE  = $(CC) $(LANGUAGE) $(CFLAGS) $(WARN) $(HARDEN) $(PKG_CFLAGS) -MMD -MP -MF $@.d -MT $@

BIN       := $(BUILD)/k8sgpt-operator
SRC       := $(wildcard src/*/*.c)
PROTO     := $(wildcard src/*/proto/*.proto)
PROTO_OBJ := $(PROTO:src/%.proto=$(BUILD)/obj/%.pb-c.o)
OBJ       := $(BUILD)/obj/main.o $(SRC:src/%.c=$(BUILD)/obj/%.o) $(PROTO_OBJ)
UNIT_SRC  := $(wildcard spec/unit/*/*_test.c)
UNIT_BIN  := $(UNIT_SRC:spec/unit/%.c=$(BUILD)/unit/%)
BENCH_SRC := $(wildcard spec/bench/*.c)
BENCH_BIN := $(BENCH_SRC:spec/bench/%.c=$(BUILD)/bench/%)
BENCH_OBJ := $(patsubst spec/%.c,$(BUILD)/spec/%.o,$(wildcard spec/bench/support/*.c))
FUZZ_SRC  := $(wildcard spec/fuzz/*.c)
FUZZ_BIN  := $(FUZZ_SRC:spec/fuzz/%.c=$(BUILD)/target/%)
PROXY_SRC := $(wildcard spec/faultproxy/*.c)
PROXY_OBJ := $(PROXY_SRC:spec/%.c=$(BUILD)/spec/%.o)
PROXY_BIN := $(BUILD)/faultproxy
SHARE     := $(DESTDIR)$(PREFIX)/share/k8sgpt-operator

# V=1 shows whole command lines.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

.PHONY: all deps engine demo test units unit behaviour e2e image-test reliability lint lint-deps tidy docs chart format layers asan valgrind fuzz fuzzers soak bench performance clean install help FORCE
.DELETE_ON_ERROR:

all: $(BIN)

help:
	@sed -n 's/^## //p' Makefile

## make demo       install what is needed, build, and show the operator at work (KEEP=1: leave it running)
demo: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@lua5.4 samples/demo/demo.lua $(BIN) $(BUILD)/demo $(if $(KEEP),--keep)

## make test       install what is needed, build, and run every hermetic test
test: deps engine
	@$(MAKE) --no-print-directory -j$(JOBS) all units $(PROXY_BIN)
	@BUILD=$(BUILD) SANITIZE=$(SANITIZE) lua5.4 spec/run.lua all $(UNIT_BIN)

## make deps       install the Debian packages that building and testing need
deps:
	@tools/deps.sh build

# The gRPC engine that tests ask, by grpcio of PyPI; without it they are skipped.
engine:
	@tools/deps.sh build engine
	@spec/engine/install.sh >/dev/null || :

## make all        build/k8sgpt-operator
$(BIN): $(OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_HARDEN) -o $@ $(OBJ) $(PKG_LIBS)

$(BUILD)/obj/%.o: src/%.c $(BUILD)/gen/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -c -o $@ $<

# Messages of gRPC: C from a .proto, which its layer includes as "grpc/proto/k8sgpt.pb-c.h". The generator casts const away.
$(BUILD)/gen/%.pb-c.c: src/%.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$<)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D) $<
$(PROTO_OBJ): $(BUILD)/obj/%.pb-c.o: $(BUILD)/gen/%.pb-c.c $(BUILD)/gen/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -Wno-cast-qual -c -o $@ $<
$(BUILD)/obj/grpc/%.o $(BUILD)/tidy/grpc/%.ok: LANGUAGE += -isystem $(BUILD)/gen
$(filter $(BUILD)/obj/grpc/%,$(SRC:src/%.c=$(BUILD)/obj/%.o)): | $(PROTO:src/%.proto=$(BUILD)/gen/%.pb-c.c)

# The version reaches one file, so that a commit does not compile the world anew.
$(BUILD)/obj/cli/version.o: $(BUILD)/gen/version.h
$(BUILD)/obj/cli/version.o: LANGUAGE += -I$(BUILD)/gen
$(BUILD)/gen/version.h: FORCE
	@tools/if_changed.sh $@ '#define K8SGPT_VERSION "$(VERSION)"' '#define K8SGPT_REVISION "$(REVISION)"'
# Other flags, other objects: also when BUILD stays the same.
$(BUILD)/gen/flags: FORCE
	@tools/if_changed.sh $@ '$(CC) $(CFLAGS) $(WARN) $(HARDEN)'

# One archive a layer: a unit test links its own layer and those below, nothing above.
define layer
LIB_$(1) := $(BUILD)/lib$(1).a
$$(LIB_$(1)): $$(patsubst src/%.c,$(BUILD)/obj/%.o,$$(wildcard src/$(1)/*.c)) $$(filter $(BUILD)/obj/$(1)/%,$(PROTO_OBJ))
	@mkdir -p $$(@D)
	@rm -f $$@ && ar rcs $$@ $$^
BELOW_$(1) := $$(LIB_$(1)) $(2)
endef
below :=
$(foreach l,$(LAYERS),$(eval $(call layer,$(l),$(below)))$(eval below := $(BUILD)/lib$(l).a $(below)))

.SECONDEXPANSION:
$(BUILD)/unit/%: spec/unit/%.c $$(BELOW_$$(firstword $$(subst /, ,$$*)))
	@mkdir -p $(@D)
	$(call say,TEST,$<)
	$(Q)$(COMPILE) -Ispec/unit $(LINK_HARDEN) -o $@ $< $(BELOW_$(firstword $(subst /, ,$*))) $(PKG_LIBS) -lcmocka

units: $(UNIT_BIN)

# Stands between the operator and an API server in tests.
$(PROXY_BIN): $(PROXY_OBJ) $(BELOW_net)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_HARDEN) -o $@ $^ $(PKG_LIBS)
$(BUILD)/spec/%.o: spec/%.c $(BUILD)/gen/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -c -o $@ $<

## make unit       the C tests only; make unit-doc: those of one layer
unit: units
	@BUILD=$(BUILD) SANITIZE=$(SANITIZE) lua5.4 spec/run.lua unit $(UNIT_BIN)
unit-%:
	@$(if $(filter $(BUILD)/unit/$*/%,$(UNIT_BIN)),$(MAKE) --no-print-directory $(filter $(BUILD)/unit/$*/%,$(UNIT_BIN)))
	@set -e; for t in $(filter $(BUILD)/unit/$*/%,$(UNIT_BIN)); do timeout 300 $$t; done

## make behaviour  the tests of the whole program only
behaviour: $(BIN) $(PROXY_BIN)
	@BUILD=$(BUILD) SANITIZE=$(SANITIZE) lua5.4 spec/run.lua behaviour

## make e2e        the same behaviour, and what only a real control plane shows, on kube-apiserver, etcd and kwok (needs Go; builds them once)
# What is measured is kept, and held against spec/reliability.lua; the C tests of those requirements run again for their figures.
FIGURES := $(abspath $(BUILD))/figures
e2e: deps engine
	@tools/deps.sh e2e
	@spec/e2e/tools/build.sh cluster kubernetes chart >/dev/null
	@$(MAKE) --no-print-directory -j$(JOBS) all units $(PROXY_BIN)
	@rm -rf $(FIGURES) && mkdir -p $(FIGURES)
	@FIGURES=$(FIGURES) BUILD=$(BUILD) lua5.4 spec/run.lua e2e $(UNIT_BIN)
	@lua5.4 tools/docs/reliability.lua $(FIGURES) >$(BUILD)/reliability.md

## make image-test build the image without a registry, and run it as Kubernetes does, on a control plane (needs root; on the embedded one without Go)
image-test: deps
	@tools/deps.sh image e2e
	@tools/image/build.sh $(BUILD)/image
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@BUILD=$(BUILD) lua5.4 spec/run.lua image

## make reliability  make e2e, and docs/reliability.md from what it measured
reliability: e2e
	@cp $(BUILD)/reliability.md docs/reliability.md

## make asan       every test again under AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer
# Without strict_string_checks, which takes strndup of a span without a NUL for an overflow.
asan: export ASAN_OPTIONS := detect_leaks=1:detect_stack_use_after_return=1:check_initialization_order=1:exitcode=99
asan: export UBSAN_OPTIONS := print_stacktrace=1:halt_on_error=1
asan:
	@$(MAKE) --no-print-directory test SANITIZE=address,undefined BUILD=$(BUILD)/asan CFLAGS='-O1 -g'

## make valgrind   the C tests of some layers again under memcheck
VALGRIND_LAYERS := doc kube script operator
# These hold something to a limit of wall time, which memcheck breaks by being slow; make asan has them.
VALGRIND_NOT    := script/sandbox_test operator/interruption_test operator/reads_test
VALGRIND_BIN    := $(filter-out $(VALGRIND_NOT:%=$(BUILD)/unit/%),$(foreach l,$(VALGRIND_LAYERS),$(filter $(BUILD)/unit/$(l)/%,$(UNIT_BIN))))
valgrind:
	@tools/deps.sh build valgrind
	@$(MAKE) --no-print-directory -j$(JOBS) $(VALGRIND_BIN)
	@tools/valgrind.sh $(BUILD) $(VALGRIND_BIN)

## make fuzz       hostile input by libFuzzer, SECONDS=60 a target; TARGET=json: only that one
# clang, as gcc has no libFuzzer; its own objects, which count the paths that an input takes.
FUZZ_FLAGS := CC=clang-14 BUILD=$(BUILD)/fuzz SANITIZE=fuzzer-no-link,address,undefined CFLAGS='-O1 -g' WARN='-Wall -Wextra -Werror'
fuzz:
	@tools/deps.sh build fuzz
	@$(MAKE) --no-print-directory -j$(JOBS) fuzzers $(FUZZ_FLAGS)
	@tools/fuzz.sh $(BUILD)/fuzz $(or $(SECONDS),60) $(or $(TARGET),$(FUZZ_SRC:spec/fuzz/%.c=%))
fuzzers: $(FUZZ_BIN)
$(BUILD)/target/%: spec/fuzz/%.c $(BELOW_script)
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)$(COMPILE) -pie -fsanitize=fuzzer,address,undefined -o $@ $< $(BELOW_script) $(PKG_LIBS)

## make soak       the operator under random faults and changes for SECONDS=7200 (SEED=1: those of that seed; CLUSTER=real)
soak: export LUA_PATH := ./lua/?.lua;./spec/?.lua;./?.lua;;
soak: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all $(PROXY_BIN)
	@BUILD=$(BUILD) SECONDS=$(or $(SECONDS),7200) SEED=$(SEED) CLUSTER=$(CLUSTER) lua5.4 spec/soak/run.lua

## make bench      CPU, memory and latency, in clusters of up to 100,000 pods (spec/bench)
$(BUILD)/bench/%: spec/bench/%.c $(BENCH_OBJ) $(below)
	@mkdir -p $(@D)
	$(call say,BENCH,$<)
	$(Q)$(COMPILE) $(LINK_HARDEN) -o $@ $< $(BENCH_OBJ) $(below) $(PKG_LIBS)
$(BENCH_OBJ): LANGUAGE += -Ispec/bench
bench: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all $(BENCH_BIN)
	@set -e; for b in $(BENCH_BIN); do $$b >$$b.txt; cat $$b.txt; done

## make performance  make bench (half an hour), and docs/performance.md from what it measured
performance: bench
	@lua5.4 tools/docs/performance.lua $(BUILD)/bench >$(BUILD)/performance.md && cp $(BUILD)/performance.md docs/

## make lint       format, static analysis, Lua and shell checks, house rules (installs its tools)
lint: lint-deps
	@tools/lint.sh
	@$(MAKE) --no-print-directory -j$(JOBS) tidy
lint-deps:
	@tools/deps.sh build lint
# Shallow: without following calls the analyzer takes a quarter of the time and does not mistake uthash's lists for freed ones.
TIDY_ARGS := -Xclang -analyzer-config -Xclang mode=shallow
tidy: $(patsubst src/%.c,$(BUILD)/tidy/%.ok,$(wildcard src/*.c src/*/*.c))
# An object is rebuilt when a header of it changes: then it is analysed again, and only then.
$(BUILD)/tidy/%.ok: src/%.c $(BUILD)/obj/%.o .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)clang-tidy-14 --quiet $< -- $(TIDY_ARGS) $(LANGUAGE) $(PKG_CFLAGS) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@
$(BUILD)/tidy/cli/version.ok: LANGUAGE += -I$(BUILD)/gen

## make docs       write the parts of docs/ that are made from crd/, policies/ and the program (make test fails when they are out of date)
docs: $(BIN)
	@lua5.4 tools/docs/compatibility.lua >$(BUILD)/compatibility.md && cp $(BUILD)/compatibility.md docs/
	@lua5.4 tools/docs/analyzers.lua >$(BUILD)/analyzers.md && cp $(BUILD)/analyzers.md docs/
	@lua5.4 tools/docs/reference.lua $(BIN) >$(BUILD)/reference.md && cp $(BUILD)/reference.md docs/
	@lua5.4 tools/docs/install.lua >$(BUILD)/install.md && cp $(BUILD)/install.md docs/

## make chart      bring deploy/ up to date with crd/, policies/ and the chart (needs Go; make test and make e2e fail when it is not)
chart: $(BIN)
	@cp crd/*.yaml deploy/chart/crds/
	@tools/chart/rbac.sh $(BIN) $(BUILD)/rbac && cp $(BUILD)/rbac/*.yaml deploy/chart/files/rbac/
	@tools/chart/install.sh >$(BUILD)/install.yaml && cp $(BUILD)/install.yaml deploy/

## make format     bring the C files into the house's form
format:
	clang-format-14 -i $(wildcard src/*.c src/*/*.[ch] spec/unit/*/*.[ch] spec/bench/*.[ch] spec/bench/support/*.[ch] spec/fuzz/*.[ch] spec/faultproxy/*.[ch])

## make layers     prove that no layer includes one above it
layers: deps
	@lua5.4 tools/layers.lua $(LAYERS)

## make install    DESTDIR= PREFIX=/usr/local: the program, the built-in policies, the CRDs
install: all
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/k8sgpt-operator
	find policies lua crd -type f ! -path '*/testdata/*' ! -name policy_test.yaml ! -name '.*' -exec install -D -m 644 '{}' '$(SHARE)/{}' ';'

## make clean      remove build/
clean:
	rm -rf $(BUILD)

-include $(OBJ:=.d) $(PROXY_OBJ:=.d) $(UNIT_BIN:=.d) $(BENCH_BIN:=.d) $(BENCH_OBJ:=.d) $(FUZZ_BIN:=.d)
