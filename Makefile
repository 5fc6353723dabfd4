# Targets a newcomer needs: make demo, make test. `make help` lists all.

BUILD    ?= build
PREFIX   ?= /usr/local
VERSION  := $(shell cat VERSION)
REVISION := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

LAYERS   := base metrics doc net devcluster kube script operator cli
PACKAGES := lua5.4 libcurl libcjson yaml-0.1 openssl libuv libmicrohttpd

# The OpenSSF "Compiler Options Hardening Guide for C", as far as gcc 12 has them.
WARN   := -Wall -Wextra -Wformat=2 -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -Wpointer-arith -Wcast-qual -Wvla -Wundef -Werror
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
          -ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fPIE
LINK_HARDEN := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed -Wl,--no-copy-dt-needed-entries

SANITIZE ?=
ifneq ($(SANITIZE),)
HARDEN      := -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fPIE
LINK_HARDEN := -pie -fsanitize=$(SANITIZE)
endif

CC       := gcc
CFLAGS   ?= -O2 -g
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS   = $(shell pkg-config --libs $(PACKAGES)) -lm
COMPILE  = $(CC) -std=gnu17 -D_GNU_SOURCE -DK8SGPT_VERSION='"$(VERSION)"' -DK8SGPT_REVISION='"$(REVISION)"' -Isrc -I$(BUILD)/gen \
           $(CFLAGS) $(WARN) $(HARDEN) $(PKG_CFLAGS) -MMD -MP

BIN      := $(BUILD)/k8sgpt-operator
SRC      := $(wildcard src/*/*.c)
OBJ      := $(SRC:src/%.c=$(BUILD)/obj/%.o)
UNIT_SRC := $(wildcard spec/unit/*/*_test.c)
UNIT_BIN := $(UNIT_SRC:spec/unit/%.c=$(BUILD)/unit/%)

.PHONY: all deps demo test unit unit-% behaviour lint layers asan bench clean install help

all: $(BIN)

help:
	@sed -n 's/^## //p' Makefile

$(BIN): $(BUILD)/obj/main.o $(OBJ)
	$(CC) $(CFLAGS) $(LINK_HARDEN) -o $@ $^ $(PKG_LIBS)

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

# One archive a layer: a unit test links its own layer and those below, nothing above.
define layer
LIB_$(1) := $(BUILD)/lib$(1).a
$$(LIB_$(1)): $$(patsubst src/%.c,$(BUILD)/obj/%.o,$$(wildcard src/$(1)/*.c))
	@mkdir -p $$(@D)
	@rm -f $$@ && ar rcs $$@ $$^
BELOW_$(1) := $$(LIB_$(1)) $(2)
endef
below :=
$(foreach l,$(LAYERS),$(eval $(call layer,$(l),$(below)))$(eval below := $(BUILD)/lib$(l).a $(below)))

.SECONDEXPANSION:
$(BUILD)/unit/%: spec/unit/%.c $$(BELOW_$$(firstword $$(subst /, ,$$*)))
	@mkdir -p $(@D)
	$(COMPILE) -Ispec/unit $(LINK_HARDEN) -o $@ $< $(BELOW_$(firstword $(subst /, ,$*))) $(PKG_LIBS) -lcmocka

# make unit-doc: the tests of one layer
unit-%:
	@$(MAKE) --no-print-directory $(filter $(BUILD)/unit/$*/%,$(UNIT_BIN))
	@set -e; for t in $(filter $(BUILD)/unit/$*/%,$(UNIT_BIN)); do $$t; done

clean:
	rm -rf $(BUILD)

-include $(OBJ:.o=.d) $(UNIT_BIN:=.d) $(BUILD)/obj/main.d
