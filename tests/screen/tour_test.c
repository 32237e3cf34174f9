/*
 * The tour of the README with the real program: the demo opens on a live outage, a person
 * watches, approves with the word that only the dialog shows, sees the steps, rolls back
 * once the home account is well, and leaves the providers as they were and nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/http.h"
#include "core/json.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/task.h"
#include "tests/lib/vt.h"

#define SOON 60000
#define OUTAGE 150000

#define expect(v, text, ms)                                                                        \
	do {                                                                                       \
		if (!vt_wait(v, text, ms))                                                         \
			fail_msg("no \"%s\" on:\n%s", text, vt_screen(v));                         \
	} while (0)

/* What stands between "Type " and " and Enter". */
static void type_the_word(struct vt *v, const char *verb)
{
	char want[64], word[64] = "";
	const char *at, *end;

	snprintf(want, sizeof(want), " and Enter to %s", verb);
	expect(v, want, SOON);
	vt_settle(v, 300, 2000); /* read it first: faster keys do not count */
	at = strstr(vt_screen(v), "Type ");
	end = at ? strstr(at, want) : NULL;
	assert_true(at && end && end - at - 5 < (long)sizeof(word));
	snprintf(word, sizeof(word), "%.*s", (int)(end - at - 5), at + 5);
	vt_send(v, word);
	vt_send(v, "\r");
}

/* ---- the simulator behind the demo ---- */

struct talk { struct loop *loop; const char *url, *body; struct json *doc; };

static void talk(void *arg)
{
	struct talk *t = arg;
	struct http *h = http_new(t->loop);
	struct http_request req = { .method = t->body ? "POST" : "GET", .url = t->url,
				    .body = t->body, .body_len = t->body ? strlen(t->body) : 0,
				    .headers = { t->body ? "Content-Type: application/json" :
						 NULL },
				    .timeout_ms = SOON };
	struct http_reply r;

	http_fetch(h, &req, &r);
	if (r.status == 200)
		t->doc = json_parse(str_get(&r.body), r.body.len, NULL);
	http_reply_fini(&r);
	http_free(h);
	loop_stop(t->loop);
}

/* A control request of the simulator whose address stands in the demo's file. */
static struct json *simulator(const char *dir, const char *path, const char *body)
{
	_cleanup_(free_p) char *file = xasprintf("%s/demo.yaml", dir);
	char line[300], base[200] = "";
	FILE *f = fopen(file, "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "# simulator: \"%199[^\"]\"", base);
	fclose(f);
	assert_true(base[0]);
	_cleanup_(free_p) char *url = xasprintf("%s%s", base, path);
	struct talk t = { loop_new(), url, body, NULL };
	task_start(t.loop, "talk", talk, &t, NULL);
	loop_run(t.loop);
	loop_free(t.loop);
	assert_non_null(t.doc);
	return t.doc;
}

static char *digest(const char *dir)
{
	struct json *doc = simulator(dir, "/_sim/digest", NULL);
	char *text = xstrdup(json_get_str(doc, "digest"));

	json_free(doc);
	assert_non_null(text);
	return text;
}

/* While the home account still fails the engine refuses, and the dialog says which gate is shut:
 * it must be let go and opened again. */
static void roll_back(struct vt *v)
{
	for (int tries = 0; tries < 200; tries++) {
		bool open = false, shut = false;

		vt_send(v, "U");
		expect(v, "-roll back EV-101", SOON);
		for (int i = 0; i < SOON / 100 && !open && !shut; i++) {
			open = vt_wait(v, "and Enter to rollback", 100);
			shut = vt_has(v, "SHUT") || vt_has(v, "not possible");
		}
		if (open) {
			type_the_word(v, "rollback");
			return;
		}
		assert_true(shut);
		vt_send(v, "\033");
		vt_settle(v, 300, 2000);
	}
	fail_msg("the way back never opened:\n%s", vt_screen(v));
}

static void test_tour(void **state)
{
	char dir[] = "/tmp/rd-tour-XXXXXX", binary[200], home[220], cwd[512];
	const char *argv[] = { binary, "demo", "--speed", "10", NULL }; /* a window of a minute */
	const char *env[] = { "TERM=xterm-256color", "LANG=C.UTF-8",
			      "PATH=/usr/bin:/bin:/usr/sbin:/sbin", home,
			      NULL };
	struct vt *v;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	snprintf(home, sizeof(home), "HOME=%s", dir);
	/* a name of its own: what attaches to a demo goes by where the program is */
	snprintf(binary, sizeof(binary), "%s/ringdown", dir);
	_cleanup_(free_p) char *real = xasprintf("%s/build/ringdown", cwd);
	if (link(real, binary) != 0 && symlink(real, binary) != 0)
		fail_msg("build/ringdown is missing");
	v = vt_start(argv, env, 80, 24);
	expect(v, "DEMO (simulated)", 90000);
	_cleanup_(free_p) char *before = digest(dir);
	expect(v, "ACCOUNTS", SOON);
	expect(v, "EV-101", OUTAGE);
	vt_send(v, "2");
	expect(v, "EVENTS 1 of", SOON);
	vt_send(v, "g");
	expect(v, "GATES", SOON);
	vt_send(v, "q");
	vt_send(v, "p");
	expect(v, "canary", SOON);
	vt_send(v, "q");
	if (vt_wait(v, "APPROVES ITSELF IN", SOON)) {
		vt_send(v, "A");
		type_the_word(v, "approve");
	}
	expect(v, "completed", OUTAGE);
	expect(v, "40/40", SOON);
	vt_send(v, "4");
	expect(v, "AGENTS 40", SOON);
	json_free(simulator(dir, "/_sim/scenario", "{\"stage\":\"recover\"}"));
	vt_send(v, "2");
	expect(v, "EVENTS 1 of", SOON);
	roll_back(v);
	expect(v, "rolled back", OUTAGE);
	_cleanup_(free_p) char *after = digest(dir);
	assert_string_equal(after, before);
	vt_send(v, "q"); /* an answer that is still shown; the rest is the view's */
	for (int i = 0; i < 3 && vt_alt_screen(v); i++) {
		vt_send(v, "\003");
		vt_settle(v, 300, 1000);
	}
	assert_int_equal(vt_wait_exit(v, 60000), 0);
	assert_false(vt_alt_screen(v));
	assert_true(vt_cooked(v));
	vt_free(v);
	unlink(binary);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tour) };

	return cmocka_run_group_tests_name("tour", tests, NULL, NULL);
}
