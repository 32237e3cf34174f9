/*
 * `ringdown config check|show|explain`: is the configuration right, which value
 * comes from where, and what could be set. Secrets are shown as "[secret]".
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/frame.h"
#include "cli/options.h"
#include "core/json.h"
#include "core/mem.h"

struct problems {
	struct cli *cli;
	struct jw *json;
};

static void tell_problem(void *ctx, const char *text)
{
	struct problems *p = ctx;

	if (p->json)
		jw_str(p->json, NULL, text);
	else
		cli_fail(p->cli, EXIT_USAGE, "%s", text);
}

static int check(struct cli *c)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&out);
	bool json = cli_format(c) == FORMAT_JSON;
	struct problems p = { c, json ? &w : NULL };
	_cleanup_(free_p) char *file =
		config_find(cli_arg(c, 0) ? cli_arg(c, 0) : cli_opt(c, "config"), getenv);
	void **bases = xcalloc(option_table_count, sizeof(*bases));
	size_t n = 0;
	size_t set = 0;

	for (size_t i = 0; i < option_table_count; i++)
		bases[i] = xcalloc(1, option_tables[i]->size);
	jw_obj(&w, NULL);
	jw_str(&w, "file", file);
	jw_arr(&w, "problems");
	struct config *config = config_load_all(option_tables, bases, option_table_count, file,
						cli_opt(c, "env"), getenv, tell_problem, &p, &n);
	jw_arr_end(&w);
	jw_arr(&w, "warnings");
	for (size_t i = 0; config && config_warning(config, i); i++) {
		jw_str(&w, NULL, config_warning(config, i));
		if (!json)
			cli_note(c, "ringdown: config check: %s", config_warning(config, i));
	}
	jw_arr_end(&w);
	for (size_t i = 0; config && i < config_count(config); i++)
		set += !str_eq(config_at(config, i)->origin, "default");
	jw_bool(&w, "ok", n == 0);
	jw_i64(&w, "set", (int64_t)set);
	jw_obj_end(&w);
	if (json)
		cli_print(c, "%s\n", str_get(&out));
	else if (!n)
		cli_print(c, "%s: ok, %zu of %zu options set\n",
			  file ? file : "no configuration file", set, config_count(config));
	config_free(config);
	for (size_t i = 0; i < option_table_count; i++)
		free(bases[i]);
	free(bases);
	str_fini(&out);
	return n ? EXIT_USAGE : EXIT_DONE;
}

static void add_csv(struct str *out, const char *s, const char *end)
{
	str_addc(out, '"');
	for (; s && *s; s++) {
		if (*s == '"')
			str_addc(out, '"');
		str_addc(out, *s);
	}
	str_addf(out, "\"%s", end);
}

static int show(struct cli *c)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&out);
	enum cli_format f = cli_format(c);

	if (cli_load(c))
		return EXIT_USAGE;
	const struct config *config = cli_config(c);
	if (f == FORMAT_JSON) {
		jw_obj(&w, NULL);
		jw_str(&w, "environment", config_environment(config));
		jw_bool(&w, "production", config_production(config));
		jw_arr(&w, "options");
	} else if (f == FORMAT_CSV) {
		str_add(&out, "name,value,origin\n");
	}
	for (size_t i = 0; i < config_count(config); i++) {
		const struct config_value *v = config_at(config, i);
		if (v->row->flags & OPT_HIDDEN)
			continue;
		if (f == FORMAT_JSON) {
			jw_obj(&w, NULL);
			jw_str(&w, "name", v->row->name);
			jw_str(&w, "value", v->text);
			jw_str(&w, "origin", v->origin);
			jw_obj_end(&w);
		} else if (f == FORMAT_CSV) {
			add_csv(&out, v->row->name, ",");
			add_csv(&out, v->text, ",");
			add_csv(&out, v->origin, "\n");
		} else {
			_cleanup_(free_p) char *text = text_clean(v->text ? v->text : "-", 200);
			str_addf(&out, "%-32s %-32s %s\n", v->row->name, text, v->origin);
		}
	}
	if (f == FORMAT_JSON) {
		jw_arr_end(&w);
		jw_obj_end(&w);
		str_addc(&out, '\n');
	}
	cli_write(c, str_get(&out));
	str_fini(&out);
	return EXIT_DONE;
}

static void range_text(const struct option_row *r, char *buf, size_t n)
{
	char min[64];
	char max[64];

	buf[0] = 0;
	if (r->choices) {
		snprintf(buf, n, "%s", r->choices);
	} else if (r->min != r->max && r->type == OPT_DURATION) {
		format_duration(min, sizeof(min), r->min);
		format_duration(max, sizeof(max), r->max);
		snprintf(buf, n, "%s..%s", min, max);
	} else if (r->min != r->max) {
		snprintf(buf, n, "%lld..%lld", (long long)r->min, (long long)r->max);
	}
}

static void explain_json(struct jw *w, const struct option_table *t, const struct option_row *r)
{
	char range[200];

	range_text(r, range, sizeof(range));
	jw_obj(w, NULL);
	jw_str(w, "name", r->name);
	jw_str(w, "section", t->section);
	jw_str(w, "type", opt_type_name(r->type));
	jw_str(w, "range", *range ? range : NULL);
	jw_str(w, "default", r->def);
	jw_str(w, "unit", r->unit);
	jw_str(w, "env", r->env);
	jw_bool(w, "reload", r->flags & OPT_RELOAD);
	jw_str(w, "help", r->help);
	jw_obj_end(w);
}

static void explain_text(struct str *out, const struct option_row *r, bool csv)
{
	char range[200];

	range_text(r, range, sizeof(range));
	if (csv) {
		const char *cells[] = { r->name, opt_type_name(r->type), range,
					r->def,	 r->unit,		 r->env };
		for (size_t i = 0; i < COUNT_OF(cells); i++)
			add_csv(out, cells[i], ",");
		add_csv(out, r->help, "\n");
		return;
	}
	str_addf(out, "%s\n    %s%s%s%s%s, default %s%s%s%s\n    %s\n", r->name,
		 opt_type_name(r->type), *range ? " " : "", range, r->unit ? " " : "",
		 r->unit ? r->unit : "", r->def ? r->def : "none",
		 r->env ? ", environment " : "", r->env ? r->env : "",
		 r->flags & OPT_RELOAD ? ", reloadable" : "", r->help ? r->help : "");
}

static int explain(struct cli *c)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);
	struct jw w = JW(&out);
	enum cli_format f = cli_format(c);
	const char *only = cli_arg(c, 0);
	size_t shown = 0;

	if (f == FORMAT_JSON)
		jw_arr(&w, NULL);
	else if (f == FORMAT_CSV)
		str_add(&out, "name,type,range,default,unit,env,help\n");
	for (size_t t = 0; t < option_table_count; t++) {
		for (size_t i = 0; i < option_tables[t]->n; i++) {
			const struct option_row *r = &option_tables[t]->rows[i];
			if ((r->flags & OPT_HIDDEN) || (only && !str_has_prefix(r->name, only)))
				continue;
			shown++;
			if (f == FORMAT_JSON)
				explain_json(&w, option_tables[t], r);
			else
				explain_text(&out, r, f == FORMAT_CSV);
		}
	}
	if (f == FORMAT_JSON) {
		jw_arr_end(&w);
		str_addc(&out, '\n');
	}
	if (shown)
		cli_write(c, str_get(&out));
	str_fini(&out);
	return shown ? EXIT_DONE : cli_fail(c, EXIT_USAGE, "no option begins with '%.60s'", only);
}

static const struct subcommand verbs[] = {
	{ .name = "check", .args = "[FILE]", .run = check,
	  .help = "find every mistake in the configuration, with file, line and column" },
	{ .name = "show", .run = show, .help = "every value in force and where it comes from" },
	{ .name = "explain", .args = "[NAME]", .run = explain,
	  .help = "every option: type, range, default, environment variable, meaning" },
};

const struct subcommand cmd_config = {
	.name = "config",
	.help = "check, show and explain the configuration",
	.detail = "The file is --config, else $RINGDOWN_CONFIG, ./ringdown.yaml,\n"
		  "$XDG_CONFIG_HOME/ringdown/ringdown.yaml, /etc/ringdown/ringdown.yaml.",
	.kind = CLI_READS,
	.verbs = verbs, .n_verbs = COUNT_OF(verbs),
};
