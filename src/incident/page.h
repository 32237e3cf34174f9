/*
 * The components of our public status page, as a message to it sets them: each follows from the
 * capabilities that it shows, by the rows of the policy, and a person may say otherwise. A
 * component of which nothing is known is left as it stands there. Pure.
 */
#ifndef RD_INCIDENT_PAGE_H
#define RD_INCIDENT_PAGE_H

#include "incident/capability.h"

struct page_component {
	char *name, *why;
	char *state;			/* NULL: as it stands there */
	bool given;			/* a person said so */
};
struct page_components { struct page_component *v; size_t n; };
/* over: the message says that the incident is resolved, and no other one is open: what it marked
 * returns, whatever a provider's page still says; why then tells what speaks against it. */
void page_components_of(const struct policy *p, const struct watching *w, bool over,
			struct page_components *ret);
/* given: object of component and state, null = as it stands there. A name that the policy does not
 * have, or a state that a page does not have, is ERR_INVALID with field "components". */
int page_components_say(struct page_components *c, const struct json *given, struct err *err);
/* An array with name, state and why of each. */
void page_components_json(struct jw *w, const char *name, const struct page_components *c);
/* An object of name and state, for the channel. Heap. */
char *page_components_wire(const struct page_components *c);
/* "Phone calls: major outage; ..." of those that do not work as they should; NULL = none. Heap. */
char *page_components_words(const struct page_components *c);
void page_components_fini(struct page_components *c);

#endif
