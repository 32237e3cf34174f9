/*
 * Providers in memory for flows of the acting half: accounts with numbers, ElevenLabs'
 * entries, the application's lock. It counts what was written and can lose replies,
 * refuse, or stop the engine before and after any write.
 */
#ifndef RD_TESTS_FAKE_WORLD_H
#define RD_TESTS_FAKE_WORLD_H

#include "core/task.h"
#include "providers/agents_api.h"
#include "providers/app.h"
#include "providers/telephony.h"

enum { FAKE_NUMBERS = 4096 };

struct fake_number {
	char account[40], sid[40], e164[20];
	char hooks[WH_COUNT][160];
	bool gone, no_voice;
};
struct fake_import { char id[48], e164[20], agent[48]; };

enum fake_fault {
	FAULT_NONE,
	FAULT_LOST,		/* done, but the reply is lost */
	FAULT_DROPPED,		/* not done, and no reply */
	FAULT_SERVER,		/* 500, not done */
	FAULT_SERVER_DONE,	/* 500, done all the same */
	FAULT_CRASH_BEFORE,	/* the engine dies before it is sent */
	FAULT_CRASH_AFTER,	/* it dies after it was done, before the reply */
	FAULT_RATE,		/* 429, not done */
};

struct fake_world {
	struct loop *loop;
	struct fake_number *numbers;		/* FAKE_NUMBERS of them, by fake_providers */
	int n_numbers;
	struct fake_import *imports;
	int n_imports, next_import;
	int64_t latency_ms;
	int cap, in_flight;		/* requests at once; 0 = any number */
	struct condition slot;
	/* faults */
	int writes;			/* seen so far, the application's hooks included */
	int fault_at;			/* this write (1 = first) */
	enum fake_fault fault;
	/* instead of fault_at: asked before each write; a crash is then its own affair */
	enum fake_fault (*fate)(struct providers *p, const char *kind);
	int64_t (*delay)(struct providers *p);		/* instead of latency_ms */
	/* a write cut off on its way: did it arrive? */
	bool (*lands)(struct providers *p);
	bool (*dead)(struct providers *p, const char *account);	/* instead of dead_account */
	/* instead of 0: a write happens when it is sent, its reply comes later */
	bool (*at_once)(struct providers *p);
	/* a request that took longer never arrives; 0 = any time will do */
	int64_t late_ms;
	void (*crash)(void *ctx);	/* called from a loop turn */
	void *crash_ctx;
	char dead_account[40];		/* answers as a suspended one */
	char refuse_hooks[40];		/* refuses every update of this account's numbers */
	int die_after;			/* dead_account starts to be dead after so many writes */
	bool eleven_down;
	/* what was seen */
	int locks, unlocks, after_switch, calls;
	bool locked;
	int64_t lock_until_ms;		/* loop clock */
	int duplicates;			/* second creation, or a write of what was there already */
	int forbidden;			/* writes to the source */
	char source[40];		/* account sid whose numbers must not be written */
	int live_calls;
};

struct providers *fake_providers(struct fake_world *w);
void fake_providers_free(struct providers *p);
struct fake_number *fake_number_add(struct fake_world *w, const char *account, const char *e164);
struct fake_number *fake_number_find(struct fake_world *w, const char *e164);
struct fake_import *fake_import_add(struct fake_world *w, const char *e164, const char *agent);
struct fake_import *fake_import_find(struct fake_world *w, const char *e164);
/* All webhooks and assignments as text, without ids; none and unassigned are the same. */
char *fake_digest(const struct fake_world *w);

#endif
