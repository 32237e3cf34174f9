/*
 * What a standby lacks, in sentences: shown all the time, so that nobody finds out in the
 * night. Pure over what the monitor keeps; the gates of a decision are computed apart.
 */
#include <stdarg.h>
#include <stdio.h>

#include "core/json.h"
#include "failover/watch.h"

static void say(struct jw *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct jw *w, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	jw_str(w, NULL, text);
}

static void credentials(const struct watched *w, struct jw *out)
{
	if (!w->have_keys) {
		say(out, "its credentials cannot be opened: %s", w->keys_why);
		return;
	}
	if (!w->keys.token)
		say(out, "no auth token is stored, so webhooks cannot be checked and numbers not"
			 " imported");
	if (w->status_hidden && !credentials_have(&w->keys, CRED_PARENT))
		say(out, "its key may not read the account's status");
}

char *standby_problems(const struct monitor *m, const struct watched *w)
{
	const struct sample *hook = &w->held.probe[PROBE_WEBHOOK];
	const char *trouble = facts_trouble(&w->held);
	struct str b = STR_INIT(8192);
	struct jw out = JW(&b);

	jw_arr(&out, NULL);
	credentials(w, &out);
	if (w->sweep_n == 0)
		say(&out, "not checked yet");
	else if (trouble)
		say(&out, "%s", trouble);
	if (w->type_known && w->trial)
		say(&out, "a trial account");
	if (w->balance_known && w->balance.amount < m->d->set->min_balance)
		say(&out, "balance %.2f %s is below %.2f", w->balance.amount, w->balance.currency,
		    m->d->set->min_balance);
	if (w->parent_trouble[0])
		say(&out, "%s", w->parent_trouble);
	/* a home has the numbers of its own agents */
	if (w->sweep_n && !w->row.is_primary &&
	    (w->row.voice_ready == 0 ||
	     (w->row.numbers_free == 0 && w->row.role == ROLE_STANDBY)))
		say(&out, "it has no free voice-ready number");
	if (w->routed)
		say(&out, "%lld numbers are routed elsewhere, e.g. %s", (long long)w->routed,
		    w->routed_example);
	if (hook->at_ms && hook->outcome == OUT_BAD)
		say(&out, "%s", hook->why);
	if (w->own_trouble[0])
		say(&out, "%s", w->own_trouble);
	if (w->keys.provider != PROVIDER_TWILIO)
		say(&out, "only Twilio accounts can take over");
	jw_arr_end(&out);
	return str_take(&b);
}
