/*
 * One way to reach people. The notifier calls send inside a task, once for each row of
 * the outbox; a channel keeps no state and never decides to try again: it says what the
 * other side answered.
 */
#ifndef RD_NOTIFY_CHANNEL_H
#define RD_NOTIFY_CHANNEL_H

#include "notify/text.h"

struct parcel {
	const char *id;			/* stable: the same when sent again ("EV-118/opened/3") */
	const char *event;		/* event id, or the alert's name */
	const char *recipient;
	struct say say;
	int64_t created_at_ms;
	const char *payload;		/* JSON as stored */
};

struct refusal {
	bool for_good;			/* trying again cannot help */
	int64_t retry_after_ms;		/* the other side asked for it; 0 = not said */
};

enum { SEND_TIMEOUT_MS = 15000 };

struct channel {
	const char *name;		/* the outbox row's channel */
	const char *word;		/* the policy's, who may write name, too; NULL: neither */
	unsigned kinds;			/* bits of enum say_kind that go this way */
	bool (*configured)(const struct notify_settings *set);
	/* Who is told besides people found in the database. */
	void (*recipients)(const struct notify_settings *set, struct strlist *ret);
	int (*send)(const struct notifier_deps *d, const struct parcel *p, struct refusal *why,
		    struct err *err);
};

#define KIND(k) (1u << (k))
#define KINDS_ALL (KIND(SAY_MAX) - 1)

#define CHANNEL(name) extern const struct channel name;
#include "notify/channels.h"
#undef CHANNEL

const struct channel *channel_named(const char *name);	/* NULL: none */
const struct channel *channel_by_word(const char *word);	/* as the policy calls it; NULL */
const struct channel *channel_at(size_t i);		/* NULL at the end */

/* A JSON POST with what the answer means: 2xx done; 408, 425, 429 and 5xx may be tried again;
 * any other status is for good. headers: up to 3 more lines, NULL-terminated. */
int channel_post(const struct notifier_deps *d, const char *url, const char *body,
		 const char *const *headers, struct refusal *why, struct err *err);
/* What an answer that is no 2xx means for trying again. */
void channel_meaning(const struct http_reply *reply, struct refusal *why);
/* The address with scheme and host replaced by base, when base is set. Caller frees. */
char *channel_on_base(const char *url, const char *base);

#endif
