/* `ringdown alerts test FILE`: the rules of a policy against series from a file. Needs no engine
 * and no configuration beyond where policy.yaml is. */
#include <sys/stat.h>

#include "alert/trial.h"
#include "cli/alerts.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "core/mem.h"
#include "runbook/settings.h"

/* The one beside the runbooks; NULL when there is none: the file must name one then. */
static struct policy *found_policy(struct cli *c, int *ret_status)
{
	struct err err = { 0 };
	struct policy *p = NULL;
	struct stat st;

	*ret_status = cli_load(c);
	if (*ret_status)
		return NULL;
	_cleanup_(free_p) char *dir = runbooks_dir(cli_settings(c, &runbook_options));
	_cleanup_(free_p) char *file = dir ? xasprintf("%s/policy.yaml", dir) : NULL;

	if (!file || stat(file, &st) < 0)
		return NULL;
	p = policy_load(file, &err);
	if (!p)
		*ret_status = cli_fail(c, EXIT_USAGE, "%s", err.msg);
	return p;
}

static void print_time(char *buf, size_t n, int64_t ms)
{
	format_duration(buf, n, ms);
}

static void print(struct cli *c, const struct trial *t)
{
	static const struct table_column columns[] = {
		{ "at", NULL, true }, { "is", NULL, false }, { "severity", "LEVEL", false },
		{ "priority", "P", false }, { "alert", NULL, false }, { "on", NULL, false },
		{ "value", NULL, false }, { "inhibitedBy", "BECAUSE OF", false },
		{ "text", "WHAT", false }, { "wrong", "NOT AS EXPECTED", false },
	};
	struct table table;
	char at[40];

	table_init(&table, cli_format(c), columns, COUNT_OF(columns));
	for (size_t i = 0; i < t->n; i++) {
		const struct trial_row *r = &t->v[i];

		if (cli_format(c) == FORMAT_TEXT) {
			print_time(at, sizeof(at), r->at_ms);
			table_add(&table, at);
		} else {
			table_add_i64(&table, r->at_ms);
		}
		table_add(&table, r->what);
		table_add(&table, r->severity);
		table_add(&table, r->priority);
		table_add(&table, r->name);
		table_add(&table, r->label && r->label[0] ? r->label : NULL);
		table_add(&table, r->value);
		table_add(&table, r->by);
		table_add(&table, r->text);
		table_add(&table, r->wrong);
	}
	table_print(&table, c, "changes");
	table_fini(&table);
}

int cli_alerts_test(struct cli *c)
{
	struct trial t = { 0 };
	struct err err = { 0 };
	int status;
	struct policy *p = found_policy(c, &status);
	char length[40];

	if (!status && trial_run(cli_arg(c, 0), p, &t, &err) < 0)
		status = cli_fail(c, EXIT_USAGE, "%s", err.msg);
	if (!status) {
		print(c, &t);
		print_time(length, sizeof(length), t.length_ms);
		if (cli_format(c) == FORMAT_TEXT)
			cli_print(c, "%s of series; %zu of %zu expectations met\n", length,
				  t.expected - t.wrong, t.expected);
		if (!t.expected)
			cli_note(c, "ringdown: alerts test: there is no 'expect' in %s: nothing was"
				 " checked", cli_arg(c, 0));
		for (size_t i = 0; i < t.n && t.wrong; i++)
			if (t.v[i].wrong)
				cli_note(c, "%s", t.v[i].wrong);
		status = t.wrong ? EXIT_NO : EXIT_DONE;
	}
	trial_fini(&t);
	policy_free(p);
	return status;
}
