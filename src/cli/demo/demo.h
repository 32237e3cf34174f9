/*
 * The demo: real processes (a private PostgreSQL, the simulator, one or two engines over
 * HTTP) in a directory of their own, and scripts that play the outage and the operator.
 * Loopback only; configuration files and environment are ignored for database and
 * providers.
 */
#ifndef RD_CLI_DEMO_DEMO_H
#define RD_CLI_DEMO_DEMO_H

#include <stdio.h>

#include "core/crypto.h"
#include "core/http.h"
#include "core/json.h"
#include "core/loop.h"
#include "core/proc.h"
#include "core/sse.h"
#include "core/task.h"
#include "fold/state.h"

struct embedded;

enum { DEMO_ENGINES = 2 };

struct demo_options {
	const char *scenario;
	double speed;
	int64_t agents;
	int64_t lasts_ms;		/* instead of the scenario's lasts_s; 0 = that */
	bool headless, jsonl, keep;
	bool watched;			/* somebody looks on: shorter health cycles */
	const char *binary;		/* ourselves, for the child processes */
};

struct scenario;

struct demo_engine {
	struct proc *proc;
	char *url, *port_file, *config;
	int number;
	bool stopped;			/* by us (SIGSTOP) */
};

struct demo {
	struct loop *loop;
	struct http *http;
	struct demo_options o;
	const struct scenario *scenario;
	char *dir;			/* everything lives here */
	char **engine_env;		/* what engines get besides: PATH of the stand-ins ... */
	struct embedded *pg;
	char *db_url;
	struct proc *sim;
	char *sim_url;
	int64_t smtp_port;
	struct demo_engine engine[DEMO_ENGINES];
	struct secret *key;
	struct secret *admin, *operator, *viewer;	/* API tokens */
	int64_t began_ms;

	/* what the engines tell, folded: the same reducer as the console's */
	struct state state;
	struct task *follower, *feeder;
	struct condition changed;	/* state or a process changed */
	struct json *digest_before;
	char *digest;			/* of the simulator before the outage */

	/* what the script saw */
	int64_t alerts, notifications, entries;
	bool failed;
	char why[600];			/* first expectation that was not met */
	char *refused;			/* what an order was refused with, for expectations */
	int refused_status;
};

/* world.c: in-task; 0 or negative with err. demo_down is safe at any point and idempotent. */
int demo_up(struct demo *d, struct err *err);
void demo_down(struct demo *d);
int demo_engine_start(struct demo *d, int i, struct err *err);
void demo_engine_kill(struct demo *d, int i, int signum);
int demo_engine_ready(struct demo *d, int i, int64_t ms, struct err *err);
int demo_database_stop(struct demo *d, struct err *err);
int demo_database_start(struct demo *d, struct err *err);

/* Everything is killed, its directory removed; nobody is waited for. */
void demo_abandon(struct demo *d);

/* process.c: a world ("demo --world FILE") as a child; these block. env NULL = ours. */
struct proc *demo_world_start(const char *const *argv, const char *const *env, const char *log,
			      struct err *err);
/* FILE is there; false: it ended, was given up or took too long. */
bool demo_world_up(struct loop *l, struct proc *world, const char *file, const bool *given_up);
void demo_world_end(struct proc *world, const char *file);	/* NULL ok */
void demo_remove_tree(const char *dir);
char *demo_dir_name(int pid, const char *rest);	/* where the world of that process lives */

/* root.c: the directory that runbooks act in, with stand-ins for programs. */
int demo_root_make(struct demo *d, const struct json *sim_state, struct err *err);
void demo_root_fini(struct demo *d);

/* seed.c: the simulator's world and a day of history into PostgreSQL. */
int demo_seed(struct demo *d, const struct json *sim_state, struct err *err);

/* follow.c: tails the stream of whichever engine answers. */
void demo_follow(struct demo *d);
void demo_unfollow(struct demo *d);

/* feed.c: while a person watches, the application goes on writing calls and messages, as
 * many of them failed as the simulator's agents fail. */
void demo_feed_start(struct demo *d);
void demo_feed_stop(struct demo *d);

/* talk.c: HTTP to engine and simulator. Replies are the caller's to free; NULL = not reached.
 * status may be NULL. */
struct json *demo_sim(struct demo *d, const char *method, const char *path, const char *body,
		      int *status);
struct json *demo_api(struct demo *d, const struct secret *token, const char *method,
		      const char *path, const char *body, int *status);
char *demo_digest(struct demo *d);
/* An operator's order on an event: "approve" ... with extra members, "" or ",\"minutes\":5".
 * Returns the HTTP status; a refusal is kept in d->refused. */
int demo_order(struct demo *d, const char *verb, const char *event, const char *extra);
int demo_stage(struct demo *d, const char *stage);	/* of the simulator's scenario */

/* wait.c: expectations with deadlines in real ms; the first that fails ends the script. */
bool demo_wait(struct demo *d, int64_t ms, bool (*holds)(struct demo *d, const void *arg),
	       const void *arg, const char *what);
/* The newest event (of a lineage when given) reaches a status. */
const struct event *demo_event(struct demo *d);
bool demo_wait_status(struct demo *d, const char *status, int64_t ms);
bool demo_wait_tests(struct demo *d, int64_t failed_tests, int64_t ms);
bool demo_fail(struct demo *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* n seconds of the story, divided by speed, at least 50 ms. */
int64_t demo_story_ms(const struct demo *d, double seconds);
void demo_sleep_story(struct demo *d, double seconds);

/* scenarios.c */
struct scenario {
	const char *name;
	const char *what;		/* one line for --help and the README */
	const char *expected;		/* outcome(s) it must lead to, "a|b" for alternatives */
	int engines;
	int64_t agents;			/* 0 = 40 */
	const char *settings;		/* more lines of the engines' configuration */
	void (*play)(struct demo *d);	/* in a task; returns early on demo_fail */
	bool digest_same;		/* the simulator's digest must be as before */
	bool no_event;			/* no failover event may have been opened */
	bool mends;			/* before people the primary recovers after the failover */
	/* before people the outage ends by itself after so many seconds (whatever the speed: people
	 * are not faster with it); 0 = never */
	int lasts_s;
};
const struct scenario *scenario_find(const char *name);
const struct scenario *scenario_at(size_t i);	/* NULL at the end */

/* summary.c: checks simulator and PostgreSQL against the row and prints the last line. */
bool demo_summary(struct demo *d);

#endif
