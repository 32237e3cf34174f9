/*
 * What people read: subject, body and the one-line form of each kind of message, from
 * the event's record. Pure.
 */
#ifndef RD_NOTIFY_TEXT_H
#define RD_NOTIFY_TEXT_H

#include "notify/notify.h"

struct say {
	enum say_kind kind;
	bool digest;			/* kind does not matter; the two times and the count do */
	const struct event *e;		/* NULL for alerts */
	const char *from, *to;		/* account names; NULL = their ids */
	const char *subject;		/* event id or alert name */
	const char *text;		/* one sentence from whoever caused it */
	int64_t at_ms;
	const char *public_url;		/* NULL: name the command instead of a link */
	const char *environment;	/* "" = none */
	const char *own_subject, *own_body; /* a person's words: nothing is added; NULL = ours */
	int64_t digest_from_ms, digest_to_ms, digest_n;
};

/* "[production] EV-118 acme-main fails: approves itself at 03:19 UTC" */
void say_subject(struct str *b, const struct say *s);
/* Plain text, lines ended by \n: what, since when, what happens next by itself and when,
 * what to do. */
void say_body(struct str *b, const struct say *s);
/* One line for SMS and pagers, at most max characters. Caller frees. */
char *say_line(const struct say *s, size_t max);
/* The link, or NULL without a public address. Caller frees. */
char *say_link(const struct say *s);
/* How loud: critical, error, warning, info. */
const char *say_severity(const struct say *s);

#endif
