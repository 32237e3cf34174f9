/*
 * What all views share: the client's state, names, words for events, the decision
 * dialogs. The shell knows none of this; views get it as view->app.
 */
#ifndef RD_VIEWS_APP_H
#define RD_VIEWS_APP_H

#include "client/client.h"
#include "ui/shell.h"
#include "ui/when.h"

struct action;
struct decision;
struct app_log;
struct run_data;
struct incident_data;
struct declaring;
struct noting;
struct handover;
struct messages;
struct replay;
struct report_data;
struct practices_data;

enum { OFFERS = 12 };
struct offer { char name[24], value[128], from[72]; };	/* name: what it is: org account ... */

struct app {
	struct loop *loop;
	struct shell *shell;
	struct client *client;
	void (*quit)(void *ctx);
	void *quit_ctx;
	bool read_only, frozen, starting;
	const char *environment;	/* of the configuration: shown until the engine says */
	bool production, demo;
	int coach;			/* demo: which line is due */
	struct state still;		/* copy while frozen */
	int64_t read_seq;		/* entries up to here were looked at */
	struct decision *decision;	/* of the open dialog */
	struct decision *left;		/* sent, dialog closed before the answer */
	const struct action *asked_for;	/* a number is being asked for, for this */
	struct subject asked_about;
	char word[160];			/* the completion handed out last */
	struct app_log *log;		/* this console's own lines */
	struct run_data *runs;
	struct incident_data *incidents;
	struct declaring *declaring;	/* NULL until D was pressed */
	struct noting *noting;		/* NULL until t was pressed */
	struct handover *handover;
	struct messages *messages;
	struct report_data *report;	/* NULL until one was looked at */
	struct practices_data *practices;
	struct replay *replay;		/* NULL until T was pressed */
	const char *replay_first;	/* to be shown once there is data; NULL = nothing */
	int64_t replay_first_ms;
	const char *state_dir;		/* NULL = none */
	struct offer offers[OFFERS];	/* of the row that `b` was pressed on */
	size_t n_offers;
	char about[64];			/* its id: subject of what is started next */
};

struct app_options {
	struct client_options client;
	struct shell_options shell;
	const char *environment;
	bool production, demo, read_only;
	const char *replay;		/* an incident, from the start on; NULL = the present */
	int64_t replay_ms;		/* an instant of it; 0 = when it was declared */
	void (*quit)(void *ctx);
	void *quit_ctx;
};

/* Opens the console on the terminal; the client starts after the first paint. */
int app_new(struct loop *l, const struct app_options *o, struct app **ret, struct err *err);
/* Draws into cells instead; the client is started at once. */
struct app *app_new_headless(struct loop *l, const struct app_options *o, int w, int h, bool ascii);
void app_free(struct app *a);

const struct state *app_state(const struct app *a);
/* Server time for countdowns. */
int64_t app_now(const struct app *a);
bool app_stale(const struct app *a);
/* An instant of the past is shown: nothing can be done in it. */
bool app_past(const struct app *a);
extern const char app_past_why[];	/* "this is the past ..." */
/* Name of an account, or the id, or "-". */
const char *app_account(const struct app *a, const char *id);
/* "AS OF 03:11:02Z (1m45 old)" in buf when stale, else "". */
const char *app_as_of(const struct app *a, char buf[80]);

/* views/words.c: how things are said everywhere the same way. */
enum role role_health(int health);
const char *word_health(int health);		/* "ok" "WARN" "BAD" "?" */
enum role role_outcome(int outcome);
const char *word_outcome(int outcome);		/* "ok" "FAIL" "?" */
enum role role_status(int status);
const char *word_status(const struct event *e);	/* "pending", "HELD", "FAILED" ... */
/* "APPROVES ITSELF IN" or "WILL BE HELD IN", and the time; returns whether it changes each
 * second. */
bool event_next(const struct app *a, const struct event *e, bool exact, char what[WHEN_TEXT],
		char when[WHEN_TEXT]);
/* Smaller = more urgent; closed events come last, newest first. */
int event_compare(const struct event *x, const struct event *y);
const struct event *event_most_urgent(const struct state *s);	/* open; NULL: none */
void event_gates_text(const struct event *e, char *buf, size_t n);	/* "15 of 15 open" */
/* From the plan's summary: "38 agents move, about 2 min; 6 lose SMS; 12 calls stay". */
void event_plan_text(const struct event *e, char *buf, size_t n);
/* What comes of it if nobody acts: the plan, or what keeps it from being carried out. */
void event_then_text(const struct event *e, char *buf, size_t n);
void event_subject(const struct app *a, const struct event *e, struct subject *ret);
void account_subject(const struct account *x, struct subject *ret);
void gates_sheet(struct shell *shell, const char *title, const struct gate_result *g, size_t n);

/* views/decide.c */
size_t app_actions(void *app, const struct subject *s, struct shell_action *ret, size_t max);
bool app_possible(void *app, const char *action, const struct subject *s);
void app_act(void *app, const char *action, const struct subject *s);
int app_command(void *app, const char *line, struct err *err);
const char *app_word(void *app, size_t i);
void app_decisions_free(struct app *a);

/* views/declare.c, views/note.c */
void app_declare_free(struct app *a);
void app_note_free(struct app *a);
/* From time to time: a draft of what is being written; true: ask again in a second. */
bool app_note_keep(struct app *a);

/* An instant as people write it: 10:51, 10:51:30, -5m, RFC 3339; 0 = "" or now. */
bool app_when(const struct app *a, const char *text, int64_t *ret);

/* views/timeline.c: of an incident, "" = everything. */
void app_timeline_show(struct app *a, const char *incident);

/* views/replay.c: the past of an incident ("" = the most pressing), from an instant (0 = when it
 * was declared); what the rest of the console shows while app_past. */
void app_replay(struct app *a, const char *incident, int64_t at_ms);
void app_replay_free(struct app *a);
bool app_replay_key(void *app, uint32_t key);
const struct state *app_past_state(const struct app *a);
int64_t app_past_ms(const struct app *a);
void app_past_header(const struct app *a, struct header *h);

/* views/handover.c: what the next shift must know, on one screen. */
void app_handover(struct app *a, const char *incident);
void app_handover_free(struct app *a);

/* views/messages.c: what can be told of it, as it would be sent. */
void app_messages(struct app *a, const char *incident);
void app_messages_free(struct app *a);
/* views/message_form.c: as app_note_keep. */
bool app_message_keep(struct app *a);

/* views/report_data.c: its report. */
void app_report(struct app *a, const char *incident);
/* As somebody typed it: one that the console does not know is asked for first. */
void app_report_named(struct app *a, const char *incident);
void app_report_free(struct app *a);
/* views/report_edit.c: as app_note_keep. */
bool app_report_keep(struct app *a);

/* views/practices.c */
void app_practices_free(struct app *a);

/* views/account_form.c: NULL or "" = a new one. */
void app_account_form(struct app *a, const char *id);

/* views/log.c */
struct app_log *app_log_new(struct app *a);
void app_log_free(struct app_log *l);

extern const struct view_def *const views_all[];

#endif
