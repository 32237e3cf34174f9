/*
 * Incidents as the views share them: the document that is looked at and the severities
 * (incident_data.c), how they are said (incident_words.c), the orders (incident_actions.c),
 * declaring (declare.c) and notes (note.c).
 */
#ifndef RD_VIEWS_INCIDENTS_H
#define RD_VIEWS_INCIDENTS_H

#include "model/incident.h"
#include "views/decision.h"

/* ---- incident_data.c ---- */
struct incident_data;
struct incident_data *incident_data_new(struct app *a);
void incident_data_free(struct incident_data *d);
/* At each change: asks for what is not fresh while the incident is looked at; the bell. */
void app_incidents_changed(struct app *a);
/* The one that the view shows; NULL = none. */
void app_incident_watch(struct app *a, const char *id);
const char *app_incident_watched(const struct app *a);
/* Its document; NULL = not there (yet). */
const struct incident_doc *app_incident_doc(const struct app *a);
const char *app_incident_problem(const struct app *a);
/* The answer to an order: it may be the document. */
void app_incident_took(struct app *a, const struct json *doc);

struct severity_row {
	char id[20], label[60], escalate_to[60], page[120];
	char **criteria;
	size_t n_criteria;
	int64_t respond_ms, escalate_after_ms, update_every_ms;
	bool digest;
};
/* Highest first; 0 while they are not known. */
size_t app_severities(struct app *a, const struct severity_row **ret);

/* From the state: of the fold, so it works in replay too. */
const struct incident *app_incident_find(const struct app *a, const char *id);
/* The open one that is most pressing; NULL = none. Drills come last. */
const struct incident *app_incident_open(const struct app *a);
/* How many things are due now, over all incidents and runs. */
int app_due_count(const struct app *a);
/* The same as lines of the unread list; how many. */
int app_due_lines(const struct app *a, struct sheet *sh);

/* ---- incident_words.c ---- */
bool incident_open(const struct incident *i);
enum role role_incident_severity(const char *severity);
enum role role_incident_state(const struct incident *i);
const char *word_incident_state(const struct incident *i); /* "DECLARED" ... */
/* Until at_ms: "12:31", "DUE 3:10 ago"; returns whether it changes each second. */
bool incident_due(const struct app *a, int64_t at_ms, char *buf, size_t n);
/* What presses most: "ack due 12:31"; false = nothing is due by itself. */
bool incident_next(const struct app *a, const struct incident *i, char *buf, size_t n, bool *ticks);
/* The strip below the header. */
void incident_strip(const struct app *a, char *buf, size_t n, bool *ticks);
void incident_subject(const struct incident *i, const char *part, struct subject *ret);
const char *word_clock(int kind);
enum role role_clock(int state);

/* ---- incident_actions.c ---- */
size_t incident_action_count(void);
const struct action *incident_action_at(size_t i);
/* Which order Enter means on a part of the incident: "inc-task" ...; NULL = none. */
const char *incident_action_of(const struct incident_doc *d, const char *part);

/* ---- alerts.c ---- */
size_t alert_action_count(void);
const struct action *alert_action_at(size_t i);
/* The one that wants attention most and that nobody has in hand; NULL: none. */
const struct alert *alert_loudest(const struct app *a);
/* One line of the overview; false = there is none to speak of. */
bool alerts_strip(const struct app *a, struct area at, int y);

/* ---- practices.c ---- */
size_t practice_action_count(void);
const struct action *practice_action_at(size_t i);
/* When the journal moved: what is overdue is known in every view. */
void app_practices_changed(struct app *a);
/* How many are overdue; a line for each in sh, NULL: only counted. */
int app_practices_due(const struct app *a, struct sheet *sh);

/* ---- messages.c: sends what was previewed ---- */
extern const struct action_hooks tell_hooks;

/* ---- declare.c, note.c ---- */
void app_declare(struct app *a);
void app_note(struct app *a, const struct subject *s);
/* Why nothing can be written now, "" = it can. Stale data is no reason: a note waits. */
void app_people_why_not(const struct app *a, char *buf, size_t n);

#endif
