/*
 * One agent of an attempt and what is outside: reading it, and bringing it to what is
 * desired. For the files that act; see act.h.
 */
#ifndef RD_FAILOVER_MOVER_H
#define RD_FAILOVER_MOVER_H

#include "failover/act.h"

/* ---- observe.c ---------------------------------------------------------------------- */

/* Reads target and ElevenLabs whole and links the movers to what is there. 0; negative: the
 * target could not be read. ElevenLabs away only sets eleven_down_since_ms. */
int observe(struct act *a, struct err *err);
int load_baselines(struct act *a, struct err *err);
void baselines_free(struct act *a);
/* Parses row->before again. */
void mover_before(struct mover *m);
void mover_fini(struct mover *m);
/* {"agent":...,"webhooks":{},"import":{}|null}: adds what was seen outside to row->before. */
void mover_add_before(struct mover *m);
char *mover_after(const struct mover *m);	/* JSON; caller frees */
char *webhooks_json(const struct webhooks *w);	/* caller frees */
void webhooks_read(const struct json *v, struct webhooks *ret);	/* texts point into v */
/* The fields of v that are ours beside an import's own address. */
void webhooks_ours(const struct json *v, struct webhooks *ret);
/* What to_number's webhooks are to be; only the fields that are ours. ERR_FAILED: it is not known
 * (why). Texts live as long as a and m. */
int desired_webhooks(const struct mover *m, struct webhooks *ret, struct err *err);
/* Reads one number again. */
enum call_result phone_read(struct mover *m, struct call_info *info);
/* Looks the number up at ElevenLabs again; CALL_OK also when there is none. */
enum call_result import_read(struct mover *m, struct call_info *info);
void import_seen(struct mover *m, const struct remote_number_list *l);

/* ---- converge.c -------------------------------------------------------------------- */

/* Brings one agent to what is desired (steps 5-7); the result is in m and m->row. */
void converge(struct mover *m);
/* Differs from what is desired, as last read? Says how. */
bool mover_differs(const struct mover *m, char *why, size_t n);
void mover_fail(struct mover *m, bool fatal, bool retry, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void mover_step(struct mover *m, int step);
/* The service could not answer now; another try may. */
bool info_transient(const struct call_info *info);
enum { WRITE_TRIES = 5, WRITE_RETRY_MS = 250 };
/* Assigns to_number's import (agent NULL or "": none), whatever happens to the replies.
 * 0 done; negative: failed, with m->why set, or stopped (a->stop). */
int import_assign(struct mover *m, const char *agent);
/* Writes these fields until they read back equal. As import_assign. */
int webhooks_put(struct mover *m, const struct webhooks *want);

/* ---- sweep.c, rollback.c ------------------------------------------------------------- */

/* No earlier than D after the last write; items that differ are put back to waiting. Their
 * number, or negative when it cannot be read. */
int sweep(struct act *a, struct err *err);
/* The whole way home, in status rolling_back. */
int rollback_run(struct act *a, struct err *err);
/* Items whose number at home is gone become IT_STAYS. */
void rollback_find_stays(struct act *a);
/* Agents that are away, and those whose number at home takes calls. Negative: not read, see
 * info. */
int rollback_count_home(struct act *a, int64_t *ret_all, int64_t *ret_there,
			struct call_info *info);

/* ---- home.c --------------------------------------------------------------------------- */

/* What ElevenLabs has for an agent's number at home, as last observed. */
enum home_import { HOME_FINE, HOME_MISSING, HOME_UNASSIGNED, HOME_OTHERS };
struct home_index;
struct home_index *home_index_new(const struct act *a);
void home_index_free(struct home_index *x);
/* HOME_FINE for what needs no import. ret_agent (may be NULL): who has it, for HOME_OTHERS. */
enum home_import home_import_of(const struct home_index *x, const struct item *it,
				const char **ret_agent);
/* Imports and assigns anew what is missing; what is somebody else's is noted in home_why, who
 * cannot be helped becomes IT_STAYS. How many are worth another try, why in their mover; negative:
 * not recorded. */
int home_imports(struct act *a, struct err *err);

#endif
