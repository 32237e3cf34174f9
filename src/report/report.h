/*
 * The report of an incident: built from what was recorded, with what people wrote kept beside
 * it. Gathering reads the database; everything after that is pure: facts.c turns the data into
 * sentences and tables section by section, the writers only lay them out.
 *
 * The policy says which of the six sections of R3 there are. What a section asks and nobody
 * answered yet is said to be missing: a report that looks complete and is not would be worse than
 * an empty one.
 */
#ifndef RD_REPORT_REPORT_H
#define RD_REPORT_REPORT_H

#include "core/json.h"
#include "model/incident.h"
#include "model/review.h"
#include "policy/policy.h"
#include "report/times.h"

struct store;

/* What a person is to write there; NULL-terminated. */
const char *const *report_section_asks(enum report_section s);

/* A section of this report, in its place, under its title. */
struct report_part { enum report_section section; char *title; };

struct report {
	struct incident_doc doc;
	struct report_part parts[SECTION_MAX]; size_t n_parts;
	struct timeline_entry *entries; size_t n_entries; bool cut;	/* oldest first */
	struct review_event *events; size_t n_events;
	struct review_run *runs; size_t n_runs;
	struct review_sign *signs; size_t n_signs;
	struct review_health *health; size_t n_health;
	struct review_slice *slices; size_t n_slices;
	struct review_org *orgs; size_t n_orgs; int64_t orgs_all;	/* -1 = unknown */
	struct review_traffic traffic[2];	/* calls, messages */
	struct review_text *texts; size_t n_texts;
	int64_t agents_failing, agents_all;	/* -1 = unknown */
	struct severity_time severities[8]; size_t n_severities;
	struct time_summary usual[TIME_KINDS]; size_t others;	/* of the other incidents */
	int64_t respond_ms;		/* severity_acknowledged allows it; 0 = unknown */
	int64_t now_ms, from_ms, to_ms;	/* of the charts: the incident and a little around it */
	int64_t slice_ms;
};
enum { REPORT_ENTRIES_MAX = 20000 };
/* In a task. p may be NULL. */
int report_gather(struct store *s, const struct policy *p, const char *incident,
		  struct report *ret, struct err *err);
/* What follows from what was read: severities, the range of the charts. Pure. */
void report_settle(struct report *r, int64_t now_ms);
void report_fini(struct report *r);
/* The sections that the policy wants, in its order and under its titles (p NULL: all, as R3 has
 * them); then those that it does not want (any more) but that hold a person's text. */
void report_outline(struct report *r, const struct policy *p);
void report_outline_written(struct report *r);

/* The text that stands (aside false), or the n-th set aside; NULL = none. */
const struct review_text *report_text(const struct report *r, enum report_section s, bool aside,
				      size_t n);
/* When it was over for users: mitigated, else resolved, else now. */
int64_t report_end(const struct report *r);
/* Not one of thousands: pinned, written or done by people, a change of an event or run. */
bool report_key_moment(const struct timeline_entry *e);

/* ---- facts ---- */
enum block_kind { BLOCK_TEXT, BLOCK_ITEM, BLOCK_UNKNOWN, BLOCK_HEAD, BLOCK_TABLE };
struct report_block {
	enum block_kind kind;
	char *text;			/* BLOCK_TABLE: what stands above it, may be NULL */
	char **cells; size_t n_cells, columns;	/* first row: heads; "#" before one: numbers */
};
struct report_blocks { struct report_block *v; size_t n, cap; };
void report_facts(const struct report *r, enum report_section s, struct report_blocks *ret);
void report_blocks_fini(struct report_blocks *b);

/* ---- writers: all of them add to out ---- */
void report_json(const struct report *r, struct str *out);
void report_sections_json(const struct report *r, struct str *out);	/* no timeline, no series */
void report_markdown(const struct report *r, struct str *out);
void report_csv(const struct report *r, struct str *out);	/* the timeline */
void report_html(const struct report *r, struct str *out);

/* ---- words that the writers share ---- */
void report_when(char ret[32], int64_t ms);		/* "2026-11-21 03:12:47Z"; "-" for 0 */
const char *report_review_word(int review);		/* "in review", "not begun" */
void report_span(char ret[40], int64_t ms);		/* "1h2m5s"; "-" when missing */

#endif
