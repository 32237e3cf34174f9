# ringdown. `make help` lists the targets.
.DEFAULT_GOAL := all
SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
B := build
CC := gcc

PKGS_C := libuv libmicrohttpd libcurl libcjson openssl libpcre2-8 libpq yaml-0.1 ncursesw
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wpointer-arith -Wformat=2 -Wno-format-nonliteral -Wno-format-truncation -Wno-missing-field-initializers -Werror
# hidden: libraries look up names in the program first, and libyaml has a yaml_free of its own
BASE := -std=gnu11 -D_GNU_SOURCE -Isrc -I. -pthread -fvisibility=hidden $(WARN)
REL  := -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fno-omit-frame-pointer
SAN  := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
	-DRD_TEST=1
# loaded when they are first needed: httpd_lib.c, http_lib.c, pg_lib.c
LOADED := libmicrohttpd libcurl libpq
# cmark is linked in: only an import of Markdown needs it
LIBS  = $(shell pkg-config --libs $(filter-out $(LOADED),$(PKGS_C))) -l:libcmark-gfm-extensions.a \
	-l:libcmark-gfm.a
CPKG  = $(shell pkg-config --cflags $(PKGS_C) | sed 's/-I/-isystem /g')

SRC  := $(sort $(wildcard src/*/*.c src/*/*/*.c views/*.c))
LIBSRC := $(filter-out src/cli/main.c,$(SRC))
DATA := $(sort $(wildcard src/store/schema/*.sql src/read/*.sql themes/* runbooks/* src/sms/*.csv src/pack/* src/report/*.css src/sim/programs/*))

.PHONY: all
all: check-libs $(B)/ringdown

include tests/test.mk
include src/pack/install.mk

# ---- libraries ---------------------------------------------------------------
.PHONY: check-libs deps deps-test
check-libs:
	@src/pack/need.sh build

# Installs what is missing, as root or with sudo; says what, once.
deps:
	@src/pack/need.sh --install build run
deps-test:
	@src/pack/need.sh --install build run test

# ---- program -----------------------------------------------------------------
RELOBJ := $(SRC:%.c=$(B)/rel/%.o)
# tables of pointers are relocated from a list that is a hundredth of the usual one: a quarter of a
# megabyte less to read before the first paint
PACKED := -fuse-ld=bfd -Wl,-z,pack-relative-relocs
SANOBJ := $(LIBSRC:%.c=$(B)/san/%.o)

$(B)/ringdown: $(RELOBJ)
	@echo "LD  $@"; $(CC) $(LDFLAGS) $(PACKED) -Wl,--export-dynamic-symbol=_gnutls_global_init_skip -o $@ $(RELOBJ) -pthread $(LIBS)

$(B)/rel/%.o: %.c
	@mkdir -p $(@D); echo "CC  $<"; $(CC) $(BASE) $(REL) $(CPKG) -MMD -MP -c $< -o $@
$(B)/san/%.o: %.c
	@mkdir -p $(@D); echo "CCt $<"; $(CC) $(BASE) $(SAN) $(CPKG) -MMD -MP -c $< -o $@

$(B)/libringdown-san.a: $(SANOBJ)
	@rm -f $@; ar rcs $@ $^
# The program with sanitizers, for the tests that run real processes.
$(B)/ringdown-san: $(B)/san/src/cli/main.o $(B)/libringdown-san.a
	@echo "LD  $@"; $(CC) -fsanitize=address,undefined $(LDFLAGS) -o $@ $^ -pthread $(LIBS)

# files that are compiled in by .incbin
EMBEDDERS := $(shell grep -l 'core/embed.h' $(SRC) 2>/dev/null)
$(EMBEDDERS:%.c=$(B)/rel/%.o) $(EMBEDDERS:%.c=$(B)/san/%.o): $(DATA)

-include $(RELOBJ:.o=.d) $(SANOBJ:.o=.d)

# ---- people ------------------------------------------------------------------
.PHONY: demo
demo: deps
	@$(MAKE) --no-print-directory -j$$(nproc) $(B)/ringdown
	@exec $(B)/ringdown demo $(ARGS)

.PHONY: clean help fmt
clean:
	rm -rf $(B)
fmt:
	clang-format -i $$(git ls-files '*.c' '*.h')
help:
	@echo "make           build build/ringdown (installs nothing)"
	@echo "make demo      install what is missing, build, open a live simulated outage; ARGS=\"--scenario suspended\""
	@echo "make test      install what is missing, build with sanitizers, run every test"
	@echo "make lint      warnings, include directions, banned functions, headers, clang-tidy, cppcheck, sizes"
	@echo "make bench     the ratios of tests/bench"
	@echo "make fuzz      SECONDS=60 on every parser"
	@echo "make world     the long run of the deterministic world (SEEDS=)"
	@echo "make fault     the long run of faults with real processes"
	@echo "make deb       Debian package in build/"
	@echo "make install   PREFIX= DESTDIR="
	@echo "make fmt clean"
