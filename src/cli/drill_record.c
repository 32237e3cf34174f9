/* The result of a drill: shown, and kept as an incident of kind drill. It is declared with its end,
 * so that nobody is paged for what was an exercise. */
#include <string.h>

#include "cli/drill.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "core/mem.h"
#include "report/times.h"

void drill_result_fini(struct drill_result *d)
{
	free_p(&d->title);
	free_p(&d->severity);
	free_p(&d->outcome);
	free_p(&d->notes);
}

void drill_print(struct cli *c, const struct drill_result *d)
{
	struct incident i = { .started_at_ms = d->started_at_ms,
			      .detected_at_ms = d->detected_at_ms,
			      .acked_at_ms = d->acked_at_ms,
			      .mitigated_at_ms = d->mitigated_at_ms,
			      .resolved_at_ms = d->resolved_at_ms };

	if (cli_format(c) == FORMAT_JSON)
		return;
	cli_print(c, "\n%s: %s\n", d->title, d->outcome);
	for (int k = 0; k < TIME_KINDS; k++) {
		int64_t ms = incident_time(&i, (enum time_kind)k);
		char span[40] = "-";

		if (ms >= 0)
			format_duration(span, sizeof(span), ms < 1000 ? ms : ms / 1000 * 1000);
		cli_print(c, "  %-7s %-10s %s\n", enum_name(&time_kind_names, k), span,
			  time_kind_help((enum time_kind)k));
	}
	if (d->notes)
		cli_print(c, "%s", d->notes);
}

static void time_member(struct jw *w, const char *name, int64_t ms)
{
	if (ms)
		jw_time(w, name, ms);
}

static int declare(struct cli *c, const struct drill_result *d, char **ret_id)
{
	struct str body = STR_INIT(8000);
	struct jw w = JW(&body);
	struct json *doc = NULL;
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "title", d->title);
	jw_str(&w, "severity", d->severity ? d->severity : "P3");
	jw_str(&w, "kind", "drill");
	jw_str(&w, "impact", "none: this was an exercise");
	time_member(&w, "startedAt", d->started_at_ms);
	/* where nothing was seen it is told at its end: left out, it would be after the end */
	time_member(&w, "detectedAt", d->detected_at_ms ? d->detected_at_ms : d->resolved_at_ms);
	time_member(&w, "resolvedAt", d->resolved_at_ms);
	jw_obj_end(&w);
	r = remote_send(c, "POST", "/api/v1/incidents", str_get(&body), &doc, NULL);
	if (r == 0)
		*ret_id = xstrdup(json_get_str(doc, "id"));
	json_free(doc);
	str_fini(&body);
	return r;
}

/* The stamps between beginning and end, and what came of it. */
static int fill_in(struct cli *c, const struct drill_result *d, const char *id)
{
	_cleanup_(free_p) char *path = xasprintf("/api/v1/incidents/%s/do", id);
	struct str body = STR_INIT(1 << 20);
	struct jw w = JW(&body);
	struct json *doc = NULL;
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "action", "edit");
	jw_obj(&w, "fields");
	time_member(&w, "ackedAt", d->acked_at_ms);
	time_member(&w, "mitigatedAt", d->mitigated_at_ms);
	jw_str(&w, "cause", d->outcome);
	jw_obj_end(&w);
	jw_obj_end(&w);
	r = remote_send(c, "POST", path, str_get(&body), &doc, NULL);
	json_free(doc);
	doc = NULL;
	str_clear(&body);
	w = JW(&body);
	jw_obj(&w, NULL);
	jw_str(&w, "incident", id);
	jw_str(&w, "text", d->notes ? d->notes : d->outcome);
	time_member(&w, "happenedAt", d->resolved_at_ms);
	jw_obj_end(&w);
	if (r == 0)
		r = remote_send(c, "POST", "/api/v1/notes", str_get(&body), &doc, NULL);
	json_free(doc);
	str_fini(&body);
	return r;
}

/* The policy's practice of drills, where it has one. */
static void practice_done(struct cli *c, const char *id)
{
	_cleanup_(free_p) char *path = NULL, *body = xasprintf("{\"note\":\"%s\"}", id);
	struct json *doc = NULL, *answer = NULL;

	if (remote_try(c, "GET", "/api/v1/practices", NULL, &doc) != 200) {
		json_free(doc);
		return;
	}
	for (const struct json *v = json_first(json_get(doc, "practices")); v && !path;
	     v = json_next(v))
		if (str_has_prefix(json_get_str(v, "id"), "drill"))
			path = xasprintf("/api/v1/practices/%s/done", json_get_str(v, "id"));
	if (path && remote_try(c, "POST", path, body, &answer) == 200 &&
	    cli_format(c) != FORMAT_JSON)
		cli_print(c, "the practice of drills is done for this time\n");
	json_free(doc);
	json_free(answer);
}

int drill_record(struct cli *c, const struct drill_result *d)
{
	_cleanup_(free_p) char *id = NULL;
	int r = declare(c, d, &id);

	if (r == 0)
		r = fill_in(c, d, id);
	if (r != 0)
		return r;
	if (cli_format(c) == FORMAT_JSON)
		cli_print(c, "{\"id\":\"%s\",\"failed\":%s}\n", id, d->failed ? "true" : "false");
	else
		cli_print(c, "recorded as %s: 'ringdown report %s'\n", id, id);
	if (!d->failed)
		practice_done(c, id);
	return 0;
}
