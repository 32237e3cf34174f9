/*
 * What is known of an incident, for messages and for providers' support: named fields with
 * where each comes from, and the evidence that a provider asks for. Read from the database;
 * nothing is made up, what nobody knows has no field and no line.
 */
#ifndef RD_INCIDENT_FACTS_H
#define RD_INCIDENT_FACTS_H

#include "core/config.h"
#include "model/incident.h"
#include "policy/policy.h"
#include "store/store.h"

enum { FACT_NAME = 61, FACT_MAX = 20000 /* bytes of a value */, FACTS_GIVEN = 60 };
struct fact { char *name, *value, *from; };
struct facts { struct fact *v; size_t n; };
/* The first value of a name stays; an empty one is none. */
void facts_add(struct facts *f, const char *name, const char *value, const char *from);
const struct fact *facts_find(const struct facts *f, const char *name);
void facts_fini(struct facts *f);
/* The field of what a provider asks for: "call sid examples" -> call_sid_examples. */
const char *facts_need(char ret[FACT_NAME], const char *need);

/* From the tables of engine and application; lists are capped, counts are not. */
struct evidence {
	struct strlist accounts;	/* "AC.. acme-main: 30 of 40 agents fail" */
	struct strlist numbers; int64_t n_numbers;
	struct strlist errors, calls, connections;
	struct strlist traces;		/* of the network, several lines each */
	struct strlist affected;	/* what fails, in numbers */
	char *account_sid, *account_name;	/* the one that matters most */
	char *runbook, *runbook_of;	/* that the worst linked alert names; which alert */
	char *event;			/* of the failover that it came with */
	char *fields;			/* JSON: what people filled in for templates */
	char *page_link;		/* where our status page speaks of it */
	const char *our_page;		/* our status page itself; borrowed, NULL = not known */
	bool others_open;		/* other real incidents are open */
};
/* vendor: accounts of this provider only; NULL = any. */
int evidence_of(struct store *s, const struct incident_doc *d, const char *vendor, int64_t now_ms,
		struct evidence *ret, struct err *err);
void evidence_fini(struct evidence *e);

/* How a field without a value gets one: a sentence with the command. Heap. */
char *facts_how(const char *incident, const char *name);
/* The fields of messages, most particular first: given, of the incident, of the evidence, of
 * the policy. given: JSON object or NULL. by: who asks; stands in for nobody. */
void facts_of(const struct policy *p, const struct incident_doc *d, const struct evidence *e,
	      const char *vendor, const struct json *given, int64_t now_ms, struct facts *ret);
/* For people outside: instead of an impact that was counted, with our names in it, what they
 * notice. NULL = not known, then it is a gap. */
void facts_for_outside(struct facts *f, const char *noticed);
/* "2026-11-21 03:12 UTC" */
const char *facts_instant(char buf[32], int64_t ms);
/* Names, types and sizes of values that a person gives; ERR_INVALID with field "fields". */
int facts_check(const struct json *given, struct err *err);
/* Of what was given with a message, what the incident keeps: what nothing else knows. known: the
 * fields without it. Writes an object's members; returns how many. */
size_t facts_kept(struct jw *w, const struct json *given, const struct facts *known);

#endif
