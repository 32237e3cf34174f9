/* Agents: "VoiceAgent" and ringdown.agent_ext together, paged so that 100,000 are cheap. */
#ifndef RD_STORE_AGENTS_H
#define RD_STORE_AGENTS_H

#include "model/agent.h"
#include "store/store.h"

struct agent_row {
	struct agent a;			/* account and home_account are resolved (never NULL) */
	char *eleven_number_id;		/* import in use, "" unknown */
	int eleven_present;		/* 1 yes, 0 no, -1 never asked */
	int64_t priority;
	bool ext;			/* there is a row of ours beside the application's */
};
struct agents_filter {
	const char *account;		/* where it runs now; NULL = all */
	const char *home;		/* its lineage */
	/* ACTIVE, with ElevenLabs id and number, not known absent */
	bool watched;
	bool failing;			/* outcome bad */
	const char *search;		/* name, number or id contains */
	int64_t since;			/* written by what was not over at this mark; 0 = all */
};
/* Whether what was read of all agents once still stands, without reading it again. Rows tell by
 * their writing transaction, so no writer has to take part; what is gone shows in the counts. */
struct agents_pulse {
	int64_t mark;			/* every transaction before it is over: the next since */
	int64_t carried, ext;		/* ACTIVE, with ElevenLabs id and number; with our row */
	int64_t changed;		/* rows that pages since the mark would give */
	char accounts[40];		/* differs when one comes, goes or is promoted */
};
int agents_pulse(struct store *s, int64_t since, struct agents_pulse *ret, struct err *err);
/* Ordered by id, after the given one (NULL = from the start), at most limit (<= 5000). */
int agents_page(struct store *s, const struct agents_filter *f, const char *after, int64_t limit,
		struct agent_row **ret, size_t *ret_n, struct err *err);
void agents_free(struct agent_row *rows, size_t n);
int agent_get(struct store *s, const char *id, struct agent_row *ret, struct err *err);
void agent_row_fini(struct agent_row *r);

/* What a cycle found out; only agents whose judgement changed need a row. */
struct agent_judgement {
	const char *id, *account;
	int outcome;			/* enum outcome */
	const char *reason;
};
/* Updates agent_ext, "VoiceAgent"."healthStatus" and the list of changes. */
int agents_judge(struct tx *t, const struct agent_judgement *j, size_t n, struct err *err);
struct agent_presence {
	const char *id;
	bool present;
	const char *eleven_number_id;	/* NULL = leave */
	int integration;		/* enum integration, -1 = leave */
};
int agents_presence(struct tx *t, const struct agent_presence *p, size_t n, struct err *err);
/* Calls a day of each agent, counted in the application's table within this time. Without any call
 * there everything stays as it is: the application may not fill it. */
int agents_calls(struct tx *t, int64_t since_ms, int64_t until_ms, struct err *err);

#endif
