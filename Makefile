# cpbroker: build, test, install. `make help` lists the targets.
VERSION := 0.1.0
VARIANT ?= release
CC      ?= gcc
PREFIX  ?= /usr/local
O       := build/$(VARIANT)$(if $(filter clang%,$(notdir $(CC))),-clang)

PACKAGES := libmicrohttpd jansson libcurl libpq openssl yaml-0.1
WARN     := -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wformat=2
CFLAGS_debug   := -O0 -g3 -DCPBROKER_FAILPOINTS
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS_test    := -O2 -g -DCPBROKER_FAILPOINTS
CFLAGS_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DCPBROKER_FAILPOINTS
CFLAGS_tsan    := -O1 -g -fno-omit-frame-pointer -fsanitize=thread -DCPBROKER_FAILPOINTS
CFLAGS_fuzz    := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
# gcc's flow analysis reports false positives in instrumented code.
ifeq ($(findstring clang,$(notdir $(CC))),)
WARN_asan := -Wno-maybe-uninitialized
WARN_tsan := -Wno-maybe-uninitialized -Wno-tsan
endif
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_asan   := -fsanitize=address,undefined
LDFLAGS_tsan   := -fsanitize=thread
LDFLAGS_fuzz   := -fsanitize=fuzzer,address,undefined

# Deferred and cached, so that `make deps` works before pkg-config exists.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(PACKAGES)) -lm)$(PKG_LIBS)
ALL_CFLAGS  = -std=gnu11 $(WARN) -Ibroker -D_GNU_SOURCE -DCPBROKER_VERSION='"$(VERSION)"' -pthread $(PKG_CFLAGS) $(CFLAGS_$(VARIANT)) $(WARN_$(VARIANT)) $(CFLAGS)
ALL_LDFLAGS = -pthread $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

SOURCES := $(wildcard broker/*/*.c) $(filter-out broker/main.c,$(wildcard broker/*.c))
OBJECTS := $(SOURCES:%.c=$O/%.o)
UNITS   := $(patsubst test/unit/%.c,%,$(wildcard test/unit/test_*.c))

.DEFAULT_GOAL := all
.PHONY: all help deps lib demo dev check lint test-unit unit-one test-integration test-osb test-e2e test-crash bench fuzz fuzz-check clean install
.SECONDARY:

all: $O/cpbroker ## build the broker (VARIANT=release|debug|test|asan|tsan, CC=gcc|clang)

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

lib: $O/libcpbroker.a

$O/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC  $@"
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$O/libcpbroker.a: $(OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$O/cpbroker: $O/broker/main.o  $O/libcpbroker.a
	@echo "  LD  $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$O/test/unit/test_%: $O/test/unit/test_%.o $O/libcpbroker.a
	@echo "  LD  $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(PKG_LIBS)

unit-one: $O/test/unit/test_$(T) ## build and run one unit test (T=module)
	$<

test-unit: $(UNITS:%=$O/test/unit/%) ## run the unit tests
	@test/run-units $^

deps: ## install what building and testing needs (Debian 12, as root)
	@ci/deps

demo: ## the whole path on a real Kubernetes and a real Kafka (PLAN=developer|bare-minimum|standard)
	@test/demo/demo demo

dev: ## the same parts, started and kept until Ctrl-C (TIER=1: API server without containers)
	@test/demo/demo dev

lint: all ## layers, sizes, state, hygiene; settings and lifecycle against the README
	@BROKER=$O/cpbroker test/lint/lint

# Drivers of the integration tests; the store's is made of several files.
$O/test/integration/store_driver: $(patsubst %.c,$O/%.o,$(wildcard test/integration/store_*.c))
$O/test/integration/%: $O/test/integration/%.o $O/libcpbroker.a
	@echo "  LD  $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS)

test-integration: all lib ## real PostgreSQL, real API server, real Kafka on loopback (VARIANT=test|asan|tsan)
	@VARIANT=$(VARIANT) test/run-python integration races

test-crash: ## kill the broker at every step boundary; the next one finishes
	@$(MAKE) -s all VARIANT=test
	@VARIANT=test test/run-python crash

test-osb: all ## conformance with the Open Service Broker API, rule by rule (OSB_URL=… for another broker: test/osb/README.md)
	@VARIANT=$(VARIANT) test/run-python osb

test-e2e: all ## real Kafka pods: the three plans, Java and librdkafka clients
	@VARIANT=$(VARIANT) test/run-python e2e

# Fuzz targets: clang only, VARIANT=fuzz. What a target defines itself comes before the library's.
$O/test/fuzz/fuzz_http: $O/test/fuzz/fake_mhd.o
$O/test/fuzz/fuzz_%: $O/test/fuzz/fuzz_%.o $O/test/fuzz/fuzz.o $O/libcpbroker.a
	@echo "  LD  $@"
	@$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS)

fuzz: ## fuzz as long as wanted and keep what finds new code (TARGET=body SECONDS=600; without TARGET all, one after the other)
	@test/fuzz/run fuzz $(or $(SECONDS),60) $(TARGET)

fuzz-check: ## each fuzz target with its kept inputs, and on from there, 60 s in all
	@test/fuzz/run check $(or $(SECONDS),60) $(TARGET)

check: ## build, lint and test everything
	@test/check

bench: ## measure against baselines; table and build/bench.json
	@$(MAKE) -s all VARIANT=release
	@test/bench/bench

install: all ## install to DESTDIR and PREFIX
	install -D -m 755 $O/cpbroker $(DESTDIR)$(PREFIX)/bin/cpbroker
	mkdir -p $(DESTDIR)$(PREFIX)/share/cpbroker
	cp -r catalog k8s migrations $(DESTDIR)$(PREFIX)/share/cpbroker/

clean: ## remove what was built
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
