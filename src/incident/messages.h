/*
 * Telling people outside the ladder: a person takes a template, sees it with its gaps and its
 * addressees, and sends it. A copy stands on the timeline; where the template is an update, the
 * next one is counted from here; where it goes to a provider, that provider's clock begins.
 * Nothing of this happens by itself.
 */
#ifndef RD_INCIDENT_MESSAGES_H
#define RD_INCIDENT_MESSAGES_H

#include "incident/incidents.h"
#include "incident/message.h"

struct message_ask {
	const char *template_id, *vendor;
	const struct json *fields;	/* values for it, kept with the incident; NULL = none */
	const struct json *components;	/* of our status page, when not as the policy says */
	struct strlist to, gaps;	/* to empty: the template's audience */
	const char *subject, *body;	/* as they were seen or changed; NULL = the template's */
	const char *hash;		/* of the preview that was seen; NULL = any */
	const char *tier;		/* of the vendor's support; NULL = the policy's */
};
/* In a task. */
int incidents_preview(struct incidents *h, const char *id, const struct message_ask *a,
		      struct draft *ret, struct err *err);
/* ERR_INVALID with field "withGaps" when a gap was not named; ERR_CONFLICT when the text is no
 * longer the one that was seen, or nobody would get it. *ret: as it was sent. */
int incidents_send(struct incidents *h, const struct who *who, const char *id,
		   const struct message_ask *a, struct draft *ret, struct err *err);
/* For a runbook's word to our status page: what its components then say. */
int incidents_page(struct incidents *h, const char *id, const char *status,
		   struct page_components *ret, struct err *err);
enum { MESSAGE_WAYS = 50 };
/* Who is told and who cannot be, in words and as addresses that live as long as m. Returns how
 * many ways there are. */
size_t message_ways(const struct draft *m, struct notify_to to[MESSAGE_WAYS], struct str *told,
		    struct str *missing);
/* Templates of the policy as they would be now, without routing. */
int incidents_templates(struct incidents *h, const char *id, struct jw *w, struct err *err);
/* What a provider's support asks for, from the database; writes the members. ERR_NOT_FOUND. */
/* What a message of this template may say of an incident, from the same sources as those that
 * people send. vendor NULL = of none. ERR_NOT_FOUND: no such incident. */
int incidents_facts(struct incidents *h, const char *id, const char *template_id,
		    const char *vendor, struct facts *ret, struct err *err);
int incidents_vendor(struct incidents *h, const char *id, const char *vendor, struct jw *w,
		     struct err *err);
/* What of ours works and what does not; id NULL = without an incident. Writes the members. */
int incidents_capabilities(struct incidents *h, const char *id, struct jw *w, struct err *err);

#endif
