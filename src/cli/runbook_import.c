/* `ringdown runbook import`: a procedure written in Markdown becomes a runbook to go on from. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/runbook.h"
#include "core/json.h"
#include "core/mem.h"
#include "runbook/import.h"

static int read_file(const char *name, struct str *ret, struct err *err)
{
	char buf[65536];
	size_t n;
	FILE *f = str_eq(name, "-") ? stdin : fopen(name, "rbe");

	if (!f)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "%s: %s", name,
			       strerror(errno));
	while (!ret->full && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		str_addn(ret, buf, n);
	int r = ferror(f) ? err_set(err, ERR_SYSTEM, "%s: %s", name, strerror(errno)) : 0;
	if (f != stdin)
		fclose(f);
	return r;
}

/* Never over a file that is there: what it was made into since may be worth more. */
static int write_new(const char *name, const struct str *text, struct err *err)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t at = 0;

	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "%s: %s", name, strerror(errno));
	while (at < text->len) {
		ssize_t n = write(fd, text->s + at, text->len - at);
		if (n < 0 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	if (close(fd) || at < text->len)
		return err_set(err, ERR_SYSTEM, "%s: %s", name, strerror(errno));
	return 0;
}

static double share(int64_t part, const struct import_report *r)
{
	int64_t all = r->executable + r->human + r->note;

	return all ? 100.0 * (double)part / (double)all : 0;
}

static void tell(struct cli *c, const char *name, const struct import_report *r)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);

	problems_print(&out, &r->warnings);
	for (char *line = out.s; line && *line;) {
		size_t n = strcspn(line, "\n");
		line[n] = '\0';
		cli_note(c, "%s", line);
		line += n + 1;
	}
	str_fini(&out);
	cli_note(c, "%s: %.0f %% executable (%lld steps), %.0f %% human (%lld), %.0f %% note"
		 " (%lld); %lld phases, %lld parameters, %zu warnings", name,
		 share(r->executable, r), (long long)r->run_steps,
		 share(r->human, r), (long long)r->ask_steps, share(r->note, r),
		 (long long)r->note_steps,
		 (long long)r->phases, (long long)r->params, r->warnings.n);
}

static void as_json(struct cli *c, const char *yaml, const struct import_report *r)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&out);

	jw_obj(&w, NULL);
	jw_obj(&w, "lines");
	jw_i64(&w, "executable", r->executable);
	jw_i64(&w, "human", r->human);
	jw_i64(&w, "note", r->note);
	jw_obj_end(&w);
	jw_i64(&w, "phases", r->phases);
	jw_i64(&w, "params", r->params);
	jw_arr(&w, "warnings");
	for (size_t i = 0; i < r->warnings.n; i++) {
		jw_obj(&w, NULL);
		jw_i64(&w, "line", r->warnings.v[i].at.line);
		jw_str(&w, "text", r->warnings.v[i].text);
		jw_obj_end(&w);
	}
	jw_arr_end(&w);
	jw_str(&w, "runbook", yaml);
	jw_obj_end(&w);
	str_addc(&out, '\n');
	cli_write(c, str_get(&out));
	str_fini(&out);
}

int runbook_import_cli(struct cli *c)
{
	const char *name = cli_arg(c, 0);
	const char *to = cli_opt(c, "out");
	struct str text = STR_INIT(YAML_MAX_BYTES + 1);
	struct str yaml = STR_INIT(4 * YAML_MAX_BYTES);
	struct import_report r = { 0 };
	struct err err = { 0 };
	int e = read_file(name, &text, &err);

	if (!e)
		e = runbook_import(str_get(&text), text.len, str_eq(name, "-") ? "stdin.md" : name,
				   &yaml, &r, &err);
	if (!e && to)
		e = write_new(to, &yaml, &err);
	if (!e && cli_format(c) == FORMAT_JSON)
		as_json(c, str_get(&yaml), &r);
	else if (!e && !to)
		cli_write(c, str_get(&yaml));
	if (!e)
		tell(c, name, &r);
	import_report_fini(&r);
	str_fini(&text);
	str_fini(&yaml);
	return e ? cli_fail(c, EXIT_USAGE, "import: %s", err.msg) : EXIT_DONE;
}
