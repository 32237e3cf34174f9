/*
 * `ringdown incident vendor`, `capabilities` and `impact`: what a provider's support asks for,
 * and what of ours works; both as the engine reads them from the database.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/incident.h"
#include "cli/remote.h"

/* ---- a provider's pack ----------------------------------------------------------------- */

static void print_criteria(struct cli *c, const struct json *pack)
{
	cli_print(c, "\nwhen to escalate\n");
	for (const struct json *v = json_first(json_get(pack, "criteria")); v; v = json_next(v)) {
		const struct json *met = json_get(v, "met");

		cli_print(c, "  %-4s %s (%s)\n",
			  json_type(met) == JSON_NULL ? "?"
			  : json_bool(met, false)     ? "YES"
						      : "no",
			  json_get_str(v, "text"), json_get_str(v, "why"));
	}
}

static void print_required(struct cli *c, const struct json *pack)
{
	cli_print(c, "\nwhat they ask for\n");
	for (const struct json *v = json_first(json_get(pack, "required")); v; v = json_next(v)) {
		const struct json *values = json_get(v, "values");
		int64_t count = json_get_i64(v, "count", 0);

		if (json_get_bool(v, "missing", false)) {
			cli_print(c, "  MISSING %s: %s\n", json_get_str(v, "need"),
				  json_get_str(v, "hint"));
			continue;
		}
		cli_print(c, "  %s\n", json_get_str(v, "need"));
		for (const struct json *t = json_first(values); t; t = json_next(t))
			cli_print(c, "    %s\n", json_str(t));
		if (count > (int64_t)json_count(values))
			cli_print(c, "    and %lld more\n",
				  (long long)(count - (int64_t)json_count(values)));
	}
}

static void print_contacts(struct cli *c, const struct json *pack)
{
	char buf[32];

	cli_print(c, "\nwhom to reach\n");
	for (const struct json *v = json_first(json_get(pack, "levels")); v; v = json_next(v))
		cli_print(c, "  level %lld  %s %s\n", (long long)json_get_i64(v, "level", 0),
			  json_get_str(v, "via"), json_get_str(v, "address"));
	for (const struct json *v = json_first(json_get(pack, "tiers")); v; v = json_next(v)) {
		format_duration(buf, sizeof(buf), json_get_i64(v, "withinMs", 0));
		cli_print(c, "  %s support answers within %s%s\n", json_get_str(v, "tier"), buf,
			  json_get_bool(v, "ours", false) ? " (ours)" : "");
	}
	for (const struct json *v = json_first(json_get(pack, "clocks")); v; v = json_next(v))
		cli_print(c, "  %s %s, due %s, %s\n", json_get_str(v, "id"),
			  json_get_str(v, "text"), json_get_str(v, "dueAt"),
			  json_get_str(v, "state"));
}

static int vendor(struct cli *c)
{
	struct str path = STR_INIT(400);
	struct json *doc = NULL;
	int r;

	str_add(&path, API_INCIDENTS "/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	str_add(&path, "/vendor/");
	str_add_urlencoded(&path, cli_arg(c, 1));
	r = remote_get(c, str_get(&path), &doc);
	if (r == 0 && cli_format(c) == FORMAT_JSON) {
		remote_print(c, doc);
	} else if (r == 0) {
		const struct json *m = json_get(doc, "message");

		cli_print(c, "%s for %s %s %s\n", json_get_str(doc, "name"),
			  json_get_str(doc, "incident"), json_get_str(doc, "severity"),
			  json_get_str(doc, "title"));
		print_criteria(c, doc);
		print_required(c, doc);
		print_contacts(c, doc);
		if (json_get_str(m, "body"))
			cli_print(c,
				  "\nSubject: %s\n\n%s\nsend it: ringdown incident tell %s %s "
				  "--vendor %s\n",
				  json_get_str(m, "subject"), json_get_str(m, "body"),
				  cli_arg(c, 0), json_get_str(m, "template"), cli_arg(c, 1));
	}
	json_free(doc);
	str_fini(&path);
	return r;
}

/* ---- capabilities --------------------------------------------------------------------------- */

static void print_capability(struct cli *c, const struct json *v)
{
	cli_print(c, "%-9s %s: %s\n", str_eq(json_get_str(v, "state"), "ok") ? "ok" :
		  str_eq(json_get_str(v, "state"), "down") ? "DOWN" : json_get_str(v, "state"),
		  json_get_str(v, "capability"), json_get_str(v, "why"));
}

static int show(struct cli *c, const char *path)
{
	static const char *const order[] = { "down", "degraded", "unknown", "ok" };
	struct json *doc = NULL;
	int r = remote_get(c, path, &doc);

	if (r == 0 && cli_format(c) == FORMAT_JSON) {
		remote_print(c, doc);
	} else if (r == 0) {
		for (const struct json *v = json_first(json_get(doc, "counted")); v;
		     v = json_next(v))
			cli_print(c, "counted   %s\n", json_str(v));
		for (size_t i = 0; i < 4; i++)
			for (const struct json *v = json_first(json_get(doc, "capabilities")); v;
			     v = json_next(v))
				if (str_eq(json_get_str(v, "state"), order[i]))
					print_capability(c, v);
	}
	json_free(doc);
	return r;
}

static int capabilities(struct cli *c)
{
	return show(c, "/api/v1/capabilities");
}

static int impact(struct cli *c)
{
	struct str path = STR_INIT(400);
	int r;

	str_add(&path, API_INCIDENTS "/");
	str_add_urlencoded(&path, cli_arg(c, 0));
	str_add(&path, "/impact");
	r = show(c, str_get(&path));
	str_fini(&path);
	return r;
}

int incident_vendor_run(struct cli *c)
{
	return cli_run(c, vendor);
}

int incident_capabilities_run(struct cli *c)
{
	return cli_run(c, capabilities);
}

int incident_impact_run(struct cli *c)
{
	return cli_run(c, impact);
}
