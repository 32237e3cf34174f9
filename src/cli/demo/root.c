/*
 * The directory that a demo's runbooks act in: stand-ins for the programs they call, first
 * in the engines' PATH, and the values of the policy's target "demo" as environment.
 *
 * Nothing in it reaches beyond the demo's own directory and processes.
 */
#include "cli/demo/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "engine/embedded.h"
#include "sim/programs.h"

static void put(struct demo *d, size_t *n, const char *name, const char *value)
{
	size_t cap = *n ? *n + 1 : 0;

	if (str_empty(value))
		return;
	d->engine_env = grow(d->engine_env, &cap, *n + 2, sizeof(*d->engine_env));
	d->engine_env[(*n)++] = xasprintf("%s=%s", name, value);
	d->engine_env[*n] = NULL;
}

/* "host=" of the embedded server's URL is percent-encoded. */
static char *database_host(const char *url)
{
	const char *p = strstr(url, "host=");
	struct str b = STR_INIT(4096);

	for (p = p ? p + 5 : ""; *p && *p != '&'; p++) {
		unsigned char c = 0;
		char two[3] = { p[0] == '%' && p[1] ? p[1] : '\0', p[1] ? p[2] : '\0', '\0' };

		if (*p == '%' && two[0] && hex_decode(two, &c, 1)) {
			str_addc(&b, (char)c);
			p += 2;
		} else {
			str_addc(&b, *p);
		}
	}
	return str_take(&b);
}

static const struct json *primary(const struct json *sim)
{
	for (const struct json *v = json_first(json_get(sim, "accounts")); v; v = json_next(v))
		if (str_eq(json_get_str(v, "role"), "primary"))
			return v;
	return NULL;
}

static void environment(struct demo *d, const struct json *sim, const char *root)
{
	static const char *const bases[] = { "APP_BASE", "TWILIO_API_BASE", "TELNYX_BASE",
					     "TWILIO_STATUS_BASE", "TELNYX_STATUS_BASE",
					     "AWS_HEALTH_BASE" };
	const char *path = getenv("PATH");
	_cleanup_(free_p) char *search = xasprintf("%s/bin:%s", root,
						   str_empty(path) ? "/usr/bin:/bin" : path);
	_cleanup_(free_p) char *host = database_host(d->db_url);
	size_t n = 0;

	put(d, &n, "PATH", search);
	put(d, &n, "DEMO_ROOT", root);
	put(d, &n, "DATABASE_URL", d->db_url);
	put(d, &n, "PGHOST", host);
	put(d, &n, "PGUSER", "ringdown");
	put(d, &n, "PGDATABASE", "ringdown");
	put(d, &n, "DEMO_ACCOUNT_SID", json_get_str(primary(sim), "sid"));
	put(d, &n, "INTERNAL_SERVICE_KEY", json_str(json_path(sim, "app.internalKey")));
	put(d, &n, "CRON_SECRET", "demo-cron-secret");
	for (size_t i = 0; i < COUNT_OF(bases); i++)
		put(d, &n, bases[i], json_get_str(json_get(sim, "bases"), bases[i]));
}

/* What "prepare" reads: some numbers of the primary account with their webhooks. */
static int write_numbers(const struct json *sim, const char *file, struct err *err)
{
	enum { ENOUGH = 20 };
	const struct json *p = primary(sim);
	struct str b = STR_INIT(65536);
	int fd, r = 0, n = 0;

	for (const struct json *a = json_first(json_get(sim, "agents")); a && n < ENOUGH;
	     a = json_next(a)) {
		if (!str_eq(json_get_str(a, "accountSid"), json_get_str(p, "sid")))
			continue;
		str_addf(&b, "PN%032d %s %s/webhooks/voice %s/webhooks/sms\n", ++n,
			 json_get_str(a, "phoneNumber"), "https://api.nevermisscall.com",
			 "https://api.nevermisscall.com");
	}
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, str_get(&b), b.len) != (ssize_t)b.len)
		r = err_set(err, ERR_SYSTEM, "%s: %s", file, strerror(errno));
	if (fd >= 0)
		close(fd);
	str_fini(&b);
	return r;
}

static int prepare(const struct json *sim, const char *root, const char *numbers, struct err *err)
{
	const char *sid = json_get_str(primary(sim), "sid");
	_cleanup_(free_p) char *program = xasprintf("%s/bin/prepare", root);
	const char *argv[] = { program, sid ? sid : "AC", numbers, NULL };
	struct str out = STR_INIT(2000);
	struct proc_options o = { .argv = argv, .stdout_fd = -1, .stderr_fd = -1 };
	int r = proc_run(&o, 60000, &out, err);

	if (r > 0)
		r = err_set(err, ERR_FAILED, "the demo's directory: %.200s", str_get(&out));
	str_fini(&out);
	return r;
}

int demo_root_make(struct demo *d, const struct json *sim_state, struct err *err)
{
	_cleanup_(free_p) char *root = xasprintf("%s/root", d->dir);
	_cleanup_(free_p) char *bin = xasprintf("%s/bin", root);
	_cleanup_(free_p) char *state = xasprintf("%s/state", root);
	_cleanup_(free_p) char *numbers = xasprintf("%s/numbers.txt", d->dir);
	int r;

	if (mkdir(root, 0755) < 0 || mkdir(bin, 0755) < 0 || mkdir(state, 0755) < 0)
		return err_set(err, ERR_SYSTEM, "%s: %s", root, strerror(errno));
	r = sim_programs_install(bin, err);
	if (r == 0)
		r = write_numbers(sim_state, numbers, err);
	if (r == 0)
		r = prepare(sim_state, root, numbers, err);
	if (r == 0)
		environment(d, sim_state, root);
	return r;
}

void demo_root_fini(struct demo *d)
{
	for (size_t i = 0; d->engine_env && d->engine_env[i]; i++)
		free_p(&d->engine_env[i]);
	free_p(&d->engine_env);
}
