/*
 * For tests of the providers: a scripted HTTP server, a bundle that talks to it, and checks
 * that may fail inside a task (where cmocka's own must not jump away).
 */
#ifndef TESTS_LIB_PROVIDER_WORLD_H
#define TESTS_LIB_PROVIDER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/httpd.h"
#include "core/mem.h"
#include "core/task.h"
#include "providers/agents_api.h"
#include "providers/app.h"
#include "providers/feed.h"
#include "providers/telephony.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct rule {
	const char *match;	/* begins "METHOD /path?query" */
	int status;		/* 0 = cut the connection, -1 = never answer */
	const char *body;
	int times;		/* 0 = always */
	const char *header[2];	/* name, value */
	size_t body_len;	/* 0 = strlen */
};

struct world {
	struct loop *loop;
	struct http *http;
	struct httpd *httpd;
	struct providers *p;
	struct providers_settings set;
	struct credentials cred;
	char base[64], twilio[64], eleven[80], status[80], aws[80], app[80], telnyx[80];
	const struct rule *rules;
	int used[16];
	struct str log;		/* a line for each request */
	struct str last_body, last_auth, last_headers;
	struct httpd_req *parked[4];
	int n_parked;
	void (*fn)(struct world *w);
	bool done;
	char failed[400];	/* first check that failed in the task */
};

int world_setup(void **state);
int world_teardown(void **state);
/* Runs fn in a task against these rules (ended by {0}) and fails the test when a check did. */
void world_run(struct world *w, const struct rule *rules, void (*fn)(struct world *w));

/* Inside the task, with `w` in scope. */
#define CHECK(cond)                                                                               \
	do {                                                                                      \
		if (cond)                                                                         \
			break;                                                                    \
		snprintf(w->failed, sizeof(w->failed), "%s:%d: %s", __FILE__, __LINE__, #cond);   \
		return;                                                                           \
	} while (0)
#define CHECK_INT(a, b)                                                                           \
	do {                                                                                      \
		long long a_ = (long long)(a), b_ = (long long)(b);                               \
		if (a_ == b_)                                                                     \
			break;                                                                    \
		snprintf(w->failed, sizeof(w->failed), "%s:%d: %s is %lld, not %lld", __FILE__,   \
			 __LINE__, #a, a_, b_);                                                   \
		return;                                                                           \
	} while (0)
#define CHECK_STR(a, b)                                                                           \
	do {                                                                                      \
		if (!strcmp(a, b))                                                                \
			break;                                                                    \
		snprintf(w->failed, sizeof(w->failed), "%s:%d: %s is '%s'", __FILE__, __LINE__,   \
			 #a, a);                                                                  \
		return;                                                                           \
	} while (0)
#define LOG_IS(w, text) CHECK_STR(str_get(&(w)->log), text)

#endif
