/*
 * `ringdown incident message` and `tell`: a template with the incident's values, its gaps and
 * its addressees; then the same, sent. What is sent is what was shown, whatever the record says
 * by then: the second request carries the words of the first one's answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/incident.h"
#include "cli/remote.h"
#include "core/mem.h"

static void add_texts(struct cli *c, struct jw *w, const char *option, const char *member)
{
	if (!cli_opt_count(c, option))
		return;
	jw_arr(w, member);
	for (size_t i = 0; i < cli_opt_count(c, option); i++)
		for (const char *p = cli_opt_at(c, option, i); *p;) {
			size_t n = strcspn(p, ",");

			if (n)
				jw_strn(w, NULL, p, n);
			p += n + (p[n] == ',');
		}
	jw_arr_end(w);
}

/* @FILE: what stands in the file, which is text of at most VALUE_MAX bytes. option: what it was
 * given to. */
static int add_file(struct cli *c, struct jw *w, const char *option, const char *name,
		    const char *path)
{
	enum { VALUE_MAX = 20000 };
	_cleanup_(free_p) char *text = xcalloc(1, VALUE_MAX + 2);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, VALUE_MAX + 1, f) : 0;
	int failed = !f || ferror(f) ? errno : 0;

	if (f)
		fclose(f);
	if (failed)
		return cli_fail(c, EXIT_USAGE, "%s@%s: %s", option, path, strerror(failed));
	if (n > VALUE_MAX || memchr(text, 0, n))
		return cli_fail(c, EXIT_USAGE, "%s@%s: text of at most %d bytes is wanted", option,
				path, VALUE_MAX);
	jw_str(w, name, text);
	return 0;
}

int incident_add_fields(struct cli *c, struct jw *w, const char *member)
{
	int r = 0;

	jw_obj(w, member);
	for (size_t i = 0; r == 0 && i < cli_opt_count(c, "field"); i++) {
		const char *text = cli_opt_at(c, "field", i), *eq = strchr(text, '=');
		_cleanup_(free_p) char *name = eq ? xstrndup(text, (size_t)(eq - text)) : NULL;
		_cleanup_(free_p) char *option = xasprintf("--field %s=", name ? name : "");

		if (!eq)
			r = cli_fail(c, EXIT_USAGE, "--field: NAME=VALUE, got '%s'", text);
		else if (eq[1] == '@')
			r = add_file(c, w, option, name, eq + 2);
		else
			jw_str(w, name, eq + 1);
	}
	jw_obj_end(w);
	return r;
}

/* Components of our status page: those that were seen, but where --component says otherwise. */
static int add_components(struct cli *c, struct jw *w, const struct json *seen)
{
	int r = 0;

	jw_obj(w, "components");
	for (size_t i = 0; r == 0 && i < cli_opt_count(c, "component"); i++) {
		const char *text = cli_opt_at(c, "component", i), *eq = strrchr(text, '=');
		_cleanup_(free_p) char *name = eq ? xstrndup(text, (size_t)(eq - text)) : NULL;

		if (!eq)
			r = cli_fail(c, EXIT_USAGE, "--component: NAME=STATE, got '%s'", text);
		else if (!seen)
			jw_str(w, name, eq + 1);
	}
	for (const struct json *v = json_first(json_path(seen, "statusPage.components")); v;
	     v = json_next(v))
		jw_str(w, json_get_str(v, "name"), json_get_str(v, "state"));
	jw_obj_end(w);
	return r;
}

/* In place of the template's. */
static int add_words(struct cli *c, struct jw *w)
{
	const char *body = cli_opt(c, "body");

	if (cli_opt(c, "subject"))
		jw_str(w, "subject", cli_opt(c, "subject"));
	if (body && *body == '@')
		return add_file(c, w, "--body ", "body", body + 1);
	if (body)
		jw_str(w, "body", body);
	return 0;
}

/* seen: the preview whose words are to be sent; NULL = a preview is asked for. */
static int body_of(struct cli *c, const struct json *seen, struct str *ret)
{
	struct jw w = JW(ret);
	int r = 0;

	jw_obj(&w, NULL);
	add_texts(c, &w, "to", "to");
	add_texts(c, &w, "with-gaps", "withGaps");
	if (cli_opt(c, "vendor"))
		jw_str(&w, "vendor", cli_opt(c, "vendor"));
	if (cli_opt(c, "tier"))
		jw_str(&w, "tier", cli_opt(c, "tier"));
	if (seen) {
		jw_str(&w, "subject", json_get_str(seen, "subject"));
		jw_str(&w, "body", json_get_str(seen, "body"));
	} else {
		r = add_words(c, &w);
	}
	if (r == 0)
		r = add_components(c, &w, seen);
	if (r == 0)
		r = incident_add_fields(c, &w, "fields");
	jw_obj_end(&w);
	return r;
}

static void path_of(struct cli *c, const char *rest, struct str *ret)
{
	str_add(ret, API_INCIDENTS "/");
	str_add_urlencoded(ret, cli_arg(c, 0));
	str_add(ret, "/messages");
	if (cli_arg(c, 1)) {
		str_addc(ret, '/');
		str_add_urlencoded(ret, cli_arg(c, 1));
	}
	str_add(ret, rest);
}

/* ---- showing ------------------------------------------------------------------------- */

static void print_way(struct cli *c, const struct json *v)
{
	const char *recipient = json_get_str(v, "recipient"), *as = json_get_str(v, "as");

	cli_print(c, "To:       %s%s%s%s%s\n", json_get_str(v, "channel"), recipient ? " " : "",
		  recipient ? recipient : "", str_eq(as, json_get_str(v, "channel")) ? "" : "  as ",
		  str_eq(as, json_get_str(v, "channel")) ? "" : as);
	if (!json_get_bool(v, "configured", false))
		cli_print(c, "          NOT TOLD: %s\n", json_get_str(v, "why"));
}

static void print_components(struct cli *c, const struct json *page)
{
	for (const struct json *v = json_first(json_get(page, "components")); v; v = json_next(v)) {
		const char *state = json_get_str(v, "state");

		cli_print(c, "          %-22s %s%s%s%s\n", json_get_str(v, "name"),
			  state ? state : "as it stands there",
			  str_eq(state, "operational") ? "" : " (",
			  str_eq(state, "operational") ? "" : json_get_str(v, "why"),
			  str_eq(state, "operational") ? "" : ")");
	}
}

static void print_message(struct cli *c, const struct json *m)
{
	const struct json *page = json_get(m, "statusPage");

	for (const struct json *v = json_first(json_get(m, "to")); v; v = json_next(v))
		print_way(c, v);
	if (json_type(page) == JSON_OBJECT)
		cli_print(c, "Page:     %s, status %s%s%s\n",
			  str_eq(json_get_str(page, "action"), "update")
				  ? "goes on with its incident"
				  : "a new incident there",
			  json_get_str(page, "status"), json_get_str(page, "link") ? ", " : "",
			  json_get_str(page, "link") ? json_get_str(page, "link") : "");
	print_components(c, page);
	cli_print(c, "Subject:  %s\n\n%s\n", json_get_str(m, "subject"), json_get_str(m, "body"));
	for (const struct json *v = json_first(json_get(m, "gaps")); v; v = json_next(v))
		cli_print(c, "MISSING   %s: %s\n          or go without: --with-gaps %s\n",
			  json_get_str(v, "name"), json_get_str(v, "how"), json_get_str(v, "name"));
}

static int list_templates(struct cli *c)
{
	struct str path = STR_INIT(400);
	struct json *doc = NULL;
	int r;

	path_of(c, "", &path);
	r = remote_get(c, str_get(&path), &doc);
	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	for (const struct json *v = json_first(json_get(doc, "templates"));
	     r == 0 && v && cli_format(c) != FORMAT_JSON; v = json_next(v)) {
		cli_print(c, "%-22s %s", json_get_str(v, "id"), json_get_str(v, "title"));
		for (const struct json *m = json_first(json_get(v, "missing")); m; m = json_next(m))
			cli_print(c, "%s%s",
				  m == json_first(json_get(v, "missing")) ? "; missing: " : ", ",
				  json_str(m));
		cli_print(c, "\n");
	}
	json_free(doc);
	str_fini(&path);
	return r;
}

static int preview(struct cli *c, struct json **ret)
{
	struct str path = STR_INIT(400), body = STR_INIT(1 << 20);
	int r;

	path_of(c, "/preview", &path);
	r = body_of(c, NULL, &body);
	if (r == 0)
		r = remote_send(c, "POST", str_get(&path), str_get(&body), ret, NULL);
	str_fini(&path);
	str_fini(&body);
	return r;
}

static int message(struct cli *c)
{
	struct json *doc = NULL;
	int r;

	if (!cli_arg(c, 1))
		return list_templates(c);
	r = preview(c, &doc);
	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, doc);
	else if (r == 0)
		print_message(c, doc);
	json_free(doc);
	return r;
}

/* ---- sending ----------------------------------------------------------------------------- */

static int tell(struct cli *c)
{
	struct str path = STR_INIT(400), body = STR_INIT(1 << 20);
	struct json *seen = NULL, *sent = NULL;
	int r = preview(c, &seen);

	if (r == 0 && cli_format(c) != FORMAT_JSON)
		print_message(c, seen);
	if (r == 0 && !cli_flag(c, "yes") &&
	    !ask_typed(c, "this goes out as it stands above", "send"))
		r = EXIT_NO;
	if (r == 0) {
		path_of(c, "", &path);
		r = body_of(c, seen, &body);
	}
	if (r == 0)
		r = remote_send(c, "POST", str_get(&path), str_get(&body), &sent, NULL);
	if (r == 0 && cli_format(c) == FORMAT_JSON)
		remote_print(c, sent);
	else if (r == 0 && json_get_str(sent, "sameAs"))
		cli_print(c, "not sent again: the same went out at %.8s UTC\n",
			  json_get_str(sent, "sameAs") + 11);
	else if (r == 0)
		cli_print(c, "sent; a copy stands on the timeline of %s\n", cli_arg(c, 0));
	json_free(seen);
	json_free(sent);
	str_fini(&path);
	str_fini(&body);
	return r;
}

int incident_message_run(struct cli *c)
{
	return cli_run(c, message);
}

int incident_tell_run(struct cli *c)
{
	return cli_run(c, tell);
}
