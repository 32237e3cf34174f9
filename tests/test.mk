# Tests. Each tests/unit/*_test.c is one cmocka program; other kinds are scripts that print
# "ok N name" / "not ok N name" lines. tests/run adds them up.
UNIT := $(sort $(wildcard tests/*/*_test.c))
UNITBIN := $(UNIT:tests/%.c=$(B)/test/%)
TESTLIBSRC := $(sort $(wildcard tests/lib/*.c))
TESTLIB := $(TESTLIBSRC:%.c=$(B)/san/%.o)
.SECONDARY: $(TESTLIB)

$(B)/test/%: tests/%.c $(B)/libringdown-san.a $(TESTLIB)
	@mkdir -p $(@D); echo "TST $<"; \
	$(CC) $(BASE) $(SAN) -Itests $(CPKG) -MMD -MP -MF $@.d -o $@ $< $(TESTLIB) $(B)/libringdown-san.a \
		-pthread $(LIBS) -lcmocka -lvterm

-include $(UNITBIN:=.d) $(TESTLIB:.o=.d)

.PHONY: test unit test-build
test: deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) test-build
	@tests/run
test-build: $(B)/ringdown $(B)/ringdown-san $(UNITBIN) $(B)/test/world/world
# The quick part, while working: make unit [T=name]
unit: $(UNITBIN)
	@tests/run unit $(T)


# ---- lint ---------------------------------------------------------------------
.PHONY: lint lint-quick
# ONLY="quick tidy" runs a part
lint: $(B)/ringdown
	@LINT_CFLAGS="$(filter-out -Werror,$(BASE)) $(CPKG)" tests/lint/run $(ONLY)
lint-quick:
	@tests/lint/rules_test
include tests/world/world.mk

# ---- longer campaigns -----------------------------------------------------------
.PHONY: fuzz bench fault
fuzz: deps-test
	@tests/fuzz/run $(or $(SECONDS_EACH),$(if $(filter environment%,$(origin SECONDS)),60,$(SECONDS)))
bench: deps-test $(B)/ringdown
	@tests/bench/run $(ARGS)
# Faults with real processes, over and over.
fault: deps-test $(B)/ringdown $(B)/ringdown-san
	@for i in $$(seq $(or $(ROUNDS),3)); do \
		FAULT_LONG=1 tests/run fault || exit 1; \
		tests/flow/scenarios_test engine-crash stale-leader unattended \
			db-down half-applied target-dies notify-down self-isolated || exit 1; done
