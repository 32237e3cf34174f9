# The deterministic world: everything that failover needs, with the store's functions replaced by
# an in-memory twin (tests/world/db_*.c). -O2 and UBSan: with ASan too it is ten times slower,
# and the same code runs under ASan in tests/unit.
WORLDFLAGS := -O2 -g -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DRD_TEST=1
WORLDSRC := $(sort $(wildcard src/core/*.c src/model/*.c src/policy/*.c src/providers/*.c src/notify/*.c \
	src/failover/*.c src/store/wishes.c))
WORLDOBJ := $(WORLDSRC:%.c=$(B)/wrl/%.o)
WORLDOWN := $(sort $(wildcard tests/world/*.c)) tests/lib/fake_world.c
WORLDOWNOBJ := $(WORLDOWN:%.c=$(B)/wrl/%.o)

$(B)/wrl/%.o: %.c
	@mkdir -p $(@D); echo "CCw $<"; $(CC) $(BASE) -Itests $(WORLDFLAGS) $(CPKG) -MMD -MP -c $< -o $@
$(B)/libringdown-world.a: $(WORLDOBJ)
	@rm -f $@; ar rcs $@ $^
$(B)/test/world/world: $(WORLDOWNOBJ) $(B)/libringdown-world.a
	@mkdir -p $(@D); echo "LD  $@"; $(CC) -fsanitize=undefined $(LDFLAGS) -o $@ $^ -pthread $(LIBS)

-include $(WORLDOBJ:.o=.d) $(WORLDOWNOBJ:.o=.d)

.PHONY: world
SEEDS ?= 100000
# The long run: make world [SEEDS=N]
world: $(B)/test/world/world
	@$(B)/test/world/world --seeds $(SEEDS)
