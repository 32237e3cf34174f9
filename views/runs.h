/*
 * Runbooks and their runs as the views share them: what was fetched and how old it is
 * (run_data.c), what fits a row and which values it offers (run_offers.c), how a run and
 * its steps are said (run_words.c), the orders (run_actions.c, run_dialogs.c) and the
 * forms for parameters (run_form.c).
 */
#ifndef RD_VIEWS_RUNS_H
#define RD_VIEWS_RUNS_H

#include "model/run.h"
#include "views/decision.h"

/* ---- run_data.c ---- */
struct run_data;
struct run_data *run_data_new(struct app *a);
void run_data_free(struct run_data *d);

/* Asks for what is not fresh; from update() of the views that show it. */
void app_runs_update(struct app *a);
/* At each change: the lists once, so that b and : know them without a visit to the view,
 * and the bell for a run that wants a person. */
void app_runs_prefetch(struct app *a);
/* Everything is to be asked for again: an order was answered. */
void app_runs_refresh(struct app *a);
/* The answer to an order: it may be the run's document. */
void app_runs_took(struct app *a, const struct json *doc);
size_t app_runs_books(const struct app *a, const struct runbook_row **ret);
const struct runbook_row *app_runs_book(const struct app *a, const char *id);
/* Open ones first, newest first. */
size_t app_runs_list(const struct app *a, const struct run **ret);
const struct run *app_runs_find(const struct app *a, const char *id);
/* "" = fine; else why a list, or the document, could not be had. */
const char *app_runs_problem(const struct app *a);
const char *app_runs_doc_problem(const struct app *a);
bool app_runs_loading(const struct app *a);

/* The run that the walk shows; NULL id = none. Its document, NULL = not there (yet). */
void app_runs_watch(struct app *a, const char *id);
const char *app_runs_watched(const struct app *a);
const struct run_doc *app_runs_doc(const struct app *a);
/* The document of that run if it is the one watched. */
const struct run_doc *app_runs_doc_of(const struct app *a, const char *id);

/* The runbook that is looked at before its start. */
struct outline {
	struct runbook_row row;
	struct run_doc doc; /* of a run that has not begun */
	char **symptoms;
	size_t n_symptoms;
};
void app_runs_preview(struct app *a, const char *runbook);
const struct outline *app_runs_outline(const struct app *a); /* NULL = not there (yet) */
const char *app_runs_outline_problem(const struct app *a);

/* ---- runbooks.c: the view with the preview of that one ---- */
void runbooks_show(struct app *a, const char *id);
void runbooks_leave(struct app *a);

/* ---- run_offers.c ---- */
/* Remembers what the row is about, for the parameters of what is started from it. */
void app_runs_offer_row(struct app *a, const struct subject *s);
/* The i-th value that fits the parameter: the engine's, the run's subject, the row's. */
bool app_runs_offer(const struct app *a, const struct run_param *p, const char *subject, size_t i,
                    struct offer *ret);
/* How well a runbook fits a row, 0 = not; why in words. */
int app_runs_fit(const struct app *a, const struct runbook_row *b, const struct subject *s,
                 char *why, size_t n);
/* The action of `b`: opens the preview of what fits, or offers several. */
void app_runs_for_row(struct app *a, const struct subject *s);

/* ---- run_words.c ---- */
const char *word_step(const struct run_step *s); /* "DONE" "FAILED" "skipped" ... */
enum role role_step(const struct run_step *s);
enum role role_run_outcome(const char *outcome);
const char *word_run_outcome(const char *outcome); /* "FAIL" "WARN" "pass"; "-" = none */
const char *word_run(const struct run *r);
enum role role_run(const struct run *r);
bool run_open(const struct run *r);
const char *word_wait(int wait); /* "a decision" */
const char *word_wait_short(int wait); /* "confirm"; "" = says nothing more */
const struct run_step *run_step_find(const struct run_doc *d, const char *id);
/* Time left of a box: "12:31 left", "LATE 3:10"; returns whether it changes each second. */
bool run_box_text(const struct app *a, const struct run_phase *p, char *buf, size_t n);
/* Name without the role: client_user is "anna operator". */
bool app_runs_is_me(const struct app *a, const char *name);
void run_subject(const struct run *r, const char *step, struct subject *ret);
void runbook_subject(const struct runbook_row *b, struct subject *ret);
/* Who else looks at it: "ben, carl"; "" = nobody. */
void run_watchers(const struct app *a, const struct run *r, char *buf, size_t n);
/* A JSON value on one line, as people read it. */
void run_value_text(const struct json *v, char *buf, size_t n);

/* ---- run_strip.c: the open runs, a line each; returns the row below. ---- */
int app_runs_strip(const struct app *a, struct area at, int y);

/* ---- run_step.c: a step in full; returns the row below. left: columns scrolled away. */
int run_step_draw(const struct app *a, const struct run_doc *d, const struct run_step *s,
                  struct area at, int y, int left);
/* What the other side said of a failure; borrowed from the result. */
const char *run_step_said(const struct json *result);
/* Of a question's items, how many were ticked; false: none, or not answered. */
bool run_step_ticked(const struct run_step *s, size_t *ret_done, size_t *ret_all);
/* A run's subjects, its tables joined with their explanations. */
int run_result_draw(struct area at, int y, int left, const char *label, const char *result,
                    const char *explain);

/* Parameters, undo stack, holds, notes, rules of the run in front. */
void run_sheet(struct app *a);

/* ---- run_dialogs.c: hooks of the table in run_actions.c ---- */
extern const struct action_hooks run_hooks, run_start_hooks;

/* ---- run_actions.c ---- */
size_t run_action_count(void);
const struct action *run_action_at(size_t i);
/* Enter on the step: what it waits for, or NULL. */
const char *run_action_now(const struct app *a, const struct run_doc *d);
/* Which release is meant by a hold of a run; its subject. */
const char *run_action_release(const struct hold *h, struct subject *ret);

/* ---- run_form.c ---- */
void app_runs_start_form(struct app *a, const char *runbook, const char *kind);
void app_runs_param_form(struct app *a);
/* One that was given, given again: what runs later takes the new one. */
bool app_runs_can_correct(const struct app *a, const char *run);
void app_runs_correct(struct app *a);
size_t run_start_asks(const struct outline *o); /* how many a start asks for */
/* Members of POST /api/v1/runs without its params. kind: real, drill, dry. */
void run_start_body(const struct app *a, const char *runbook, const char *kind, struct jw *w);
/* NULL = it is of that type; else why not (in a buffer of the caller). */
const char *run_param_wrong(const struct run_param *p, const char *text, char *buf, size_t n);

#endif
