/*
 * A message from a template of the policy, before anybody sends it: its text with every field
 * in its place, which fields have no value, and where it would go. Pure. A missing field reads
 * [name?], so that nobody can take it for text.
 */
#ifndef RD_INCIDENT_MESSAGE_H
#define RD_INCIDENT_MESSAGE_H

#include "incident/facts.h"
#include "incident/page.h"
#include "notify/notify.h"

struct message_way {
	char *as;			/* as asked for: "slack", "role:cto" */
	char *channel, *recipient;	/* of the outbox; recipient NULL: all that it has */
	bool configured;
	char *why;			/* not configured: what is missing */
};
struct draft {
	char *incident;			/* NULL = of none */
	char *template_id, *title, *subject, *body, *status;
	char *pattern_subject, *pattern_body;	/* of the template, {{field}} in place of values */
	int64_t same_as_ms;		/* not sent: the same went out then; 0 = it is sent */
	char *page_link;		/* our status page speaks of it there; NULL = not yet */
	const struct policy_message *from;	/* until the next wait only */
	struct facts used;		/* fields of the template that have a value */
	struct strlist missing;
	struct message_way *ways; size_t n_ways;
	struct page_components page;	/* of our status page, when it goes there */
};
bool message_to_page(const struct draft *m);
/* ERR_NOT_FOUND names the nearest template. gaps: fields that may be missing ("not known yet"). */
int message_fill(const struct policy *p, const char *id, const struct facts *f,
		 const struct strlist *gaps, struct draft *ret, struct err *err);
/* The text that a person saw, or changed, in place of the template's. [name?] in it is a gap as in
 * the template; one that no longer stands in it is none. NULL = as it is. */
void message_reword(struct draft *m, const struct strlist *gaps, const char *subject,
		    const char *body);
/* to: audiences or ways; NULL = those of the template. vendor: whose first level "vendor" is. */
int message_route(struct draft *m, const struct policy *p, const struct notify_settings *set,
		  const char *vendor, const struct strlist *to, struct err *err);
/* Fields without a value that gaps does not name; the first, or NULL. */
const char *message_unnamed(const struct draft *m, const struct strlist *gaps);
/* Changes with every letter that would be sent and every addressee. */
void message_hash(const struct draft *m, char ret[17]);
void message_json(struct jw *w, const struct draft *m);
void message_fini(struct draft *m);

#endif
