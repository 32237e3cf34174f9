/*
 * `ringdown runbook undo RUN`: orders the undo of the run's last change, or takes that order
 * back while it waits for a value (`--cancel`). The engine carries it out as for the console;
 * what an undo destroys is shown first and confirmed by the step's name.
 */
#include <string.h>

#include "cli/ask.h"
#include "cli/remote.h"
#include "cli/runbook.h"
#include "core/mem.h"
#include "model/run.h"

static const struct run_step *step_of(const struct run_doc *d, const char *id)
{
	for (size_t i = 0; i < d->n_steps; i++)
		if (str_eq(d->steps[i].id, id))
			return &d->steps[i];
	return NULL;
}

static int order(struct cli *c, const struct run_doc *d, const char *action, const char *step)
{
	_cleanup_(free_p) char *path = xasprintf("/api/v1/runs/%s/do", d->run.id);
	struct str body = STR_INIT(4000);
	struct jw w = JW(&body);
	struct json *doc = NULL;
	int r;

	jw_obj(&w, NULL);
	jw_str(&w, "action", action);
	jw_str(&w, "step", step);
	jw_i64(&w, "version", d->run.version);
	jw_obj_end(&w);
	r = remote_send(c, "POST", path, str_get(&body), &doc, NULL);
	json_free(doc);
	str_fini(&body);
	return r;
}

/* An undo that was ordered and has not begun. */
static const char *ordered(const struct run_doc *d)
{
	for (size_t i = 0; i < d->n_steps; i++)
		if (str_eq(d->steps[i].undo_state, "ordered"))
			return d->steps[i].id;
	return NULL;
}

static int undo(struct cli *c, const struct run_doc *d)
{
	const struct run_step *s = d->n_undo ? step_of(d, d->undo[0]) : NULL;
	int r;

	if (!s)
		return cli_fail(c, EXIT_NO, "%s: there is nothing to undo", d->run.id);
	cli_note(c, "%s undoes %s: %s", d->run.id, s->id, s->undo ? s->undo : "?");
	if (!cli_flag(c, "yes") && !ask_typed(c, "what was there is destroyed by it", s->id))
		return cli_fail(c, EXIT_NO, "not confirmed: nothing was ordered");
	r = order(c, d, "undo", s->id);
	if (r == 0)
		cli_print(c, "%s: the undo of %s is ordered\n", d->run.id, s->id);
	return r;
}

static int cancel(struct cli *c, const struct run_doc *d)
{
	const char *step = ordered(d);
	int r = order(c, d, "keep", step);

	if (r == 0)
		cli_print(c, "%s: %s is not undone; the undo stays on offer\n", d->run.id, step);
	return r;
}

static int in_task(struct cli *c)
{
	_cleanup_(free_p) char *path = xasprintf("/api/v1/runs/%s", cli_arg(c, 0));
	struct run_doc d = { 0 };
	struct json *doc = NULL;
	struct err err = { 0 };
	int r = remote_get(c, path, &doc);

	if (r == 0 && run_doc_from_json(&d, doc, &err) < 0)
		r = cli_fail_err(c, &err);
	json_free(doc);
	if (r == 0)
		r = cli_flag(c, "cancel") ? cancel(c, &d) : undo(c, &d);
	run_doc_fini(&d);
	return r;
}

int runbook_undo(struct cli *c)
{
	return cli_run(c, in_task);
}
