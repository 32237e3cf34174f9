/*
 * The orders of runs, as rows of the one table of actions: which keys, in which wait, by
 * whom. What their dialogs show and send is in run_dialogs.c.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "views/runs.h"

#define DO "/api/v1/runs/%s/do"
#define RUN(name_, label_, key_, danger_, wait_, ...)                                              \
	{                                                                                          \
		.name = "run-" name_, .label = label_, .key = key_, .kind = "run",                 \
		.role = PR_OPERATOR, .danger = DIALOG_##danger_, .method = "POST", .path = DO,     \
		.wait = wait_, .hooks = &run_hooks, __VA_ARGS__                                    \
	}
#define START(name_, label_, key_, ...)                                                            \
	{                                                                                          \
		.name = name_, .label = label_, .key = key_, .kind = "runbook",                    \
		.role = PR_OPERATOR, .danger = DIALOG_PLAIN, .method = "POST",                     \
		.path = "/api/v1/runs", .hooks = &run_start_hooks, .verb = "start", __VA_ARGS__    \
	}

static void show_fitting(struct app *a, const struct action *x, const struct subject *s)
{
	(void)x;
	if (str_eq(s->kind, "runbook")) {
		a->about[0] = '\0';
		a->n_offers = 0;
		runbooks_show(a, s->id);
	} else if (str_eq(s->kind, "run")) {
		app_runs_watch(a, s->id);
		shell_go(a->shell, "walk");
	} else {
		app_runs_update(a);
		app_runs_for_row(a, s);
	}
}

static const struct action_hooks show_hooks = { .run = show_fitting };

static void ask_param(struct app *a, const struct action *x, const struct subject *s)
{
	(void)x;
	(void)s;
	app_runs_param_form(a);
}

/* Whether it is due is said by the same words as for every other order. */
static void param_why_not(const struct app *a, const struct action *x, const struct subject *s,
                          char *buf, size_t n)
{
	run_hooks.why_not(a, x, s, buf, n);
}

static const struct action_hooks param_hooks = { .run = ask_param, .why_not = param_why_not };

static void correct_value(struct app *a, const struct action *x, const struct subject *s)
{
	(void)x;
	(void)s;
	app_runs_correct(a);
}

static void correct_why_not(const struct app *a, const struct action *x, const struct subject *s,
                            char *buf, size_t n)
{
	run_hooks.why_not(a, x, s, buf, n);
	if (!buf[0] && !app_runs_can_correct(a, s->id))
		snprintf(buf, n, "no value was given yet");
}

static const struct action_hooks correct_hooks = { .run = correct_value,
	                                           .why_not = correct_why_not };

static const struct action actions[] = {
	{ .name = "runbook",
	  .label = "the runbook that fits",
	  .key = 'b',
	  .kind = "",
	  .role = PR_VIEWER,
	  .reads = true,
	  .hooks = &show_hooks },
	START("runbook-start", "start it", 'S'),
	START("runbook-dry", "dry run: real reads, changes only printed", 'd'),
	START("runbook-drill", "start it as a drill", 'r'),
	RUN("take", "take it: you drive", 'T', PLAIN, 0,
	    .undo = "hand it over (. V), or somebody else takes it"),
	RUN("give", "hand it over", 'V', PLAIN, 0, .own_reason = true,
	    .undo = "take it back (. T)"),
	{ .name = "run-param",
	  .label = "give the value it needs",
	  .key = 'v',
	  .kind = "run",
	  .role = PR_OPERATOR,
	  .wait = RW_PARAM,
	  .hooks = &param_hooks },
	{ .name = "run-correct",
	  .label = "correct a value that was given",
	  .key = 'c',
	  .kind = "run",
	  .role = PR_OPERATOR,
	  .hooks = &correct_hooks },
	RUN("confirm", "confirm the change", 'C', WORD, RW_CONFIRM),
	RUN("second", "confirm it as the second person", '2', WORD, RW_SECOND, .verb = "confirm"),
	RUN("answer", "answer", 'w', PLAIN, RW_ANSWER),
	RUN("pick", "decide", 'D', PLAIN, RW_PICK, .verb = "decide"),
	RUN("approve", "approve, let the gate open", 'A', WORD, RW_APPROVAL),
	RUN("reject", "reject, keep the gate shut", 'X', PLAIN, RW_APPROVAL, .own_reason = true),
	RUN("failed", "it failed: what now", 'f', PLAIN, RW_FAILED, .verb = "send it"),
	RUN("happened", "did it happen?", 'H', PLAIN, RW_HAPPENED, .verb = "send it"),
	RUN("optional", "do it or skip it", 'O', PLAIN, RW_OPTIONAL, .verb = "send it"),
	RUN("gate", "the gate: check now or skip it", 'g', PLAIN, RW_GATE, .verb = "send it"),
	RUN("skip", "skip the step, with a reason", 's', PLAIN, 0, .own_reason = true,
	    .undo = "jump back to it (. J)"),
	RUN("jump", "jump to the step under the cursor", 'J', PLAIN, 0, .undo = "jump back (. J)"),
	RUN("retry", "try the step again", 'R', PLAIN, 0),
	RUN("go", "go on although it failed", 'G', PLAIN, RW_FAILED),
	RUN("pause", "pause after the step under way", 'p', PLAIN, 0, .undo = "go on (. u)"),
	RUN("unpause", "go on", 'u', PLAIN, 0, .undo = "pause (. p)"),
	RUN("undo", "undo the last change", 'U', WORD, 0),
	RUN("keep", "do not undo it after all", 'K', PLAIN, 0, .undo = "order it again (. U)"),
	RUN("release", "release a hold of the run", 'l', WORD, 0),
	RUN("note", "a note", 't', PLAIN, 0, .own_reason = true, .verb = "write it"),
	RUN("abort", "abort the run", 'B', WORD, 0, .own_reason = true,
	    .keeps = "what was changed stays changed: the undo list and the holds remain"),
};

size_t run_action_count(void)
{
	return COUNT_OF(actions);
}

const struct action *run_action_at(size_t i)
{
	return i < COUNT_OF(actions) ? &actions[i] : NULL;
}

const char *run_action_now(const struct app *a, const struct run_doc *d)
{
	bool mine = app_runs_is_me(a, d->run.driver);

	if (!run_open(&d->run))
		return NULL;
	if (d->wait.kind == RW_SECOND)
		return "run-second";
	if (d->wait.kind == RW_APPROVAL)
		return "run-approve";
	if (!mine)
		return str_empty(d->run.driver) ? "run-take" : NULL;
	if (d->run.status == RUN_PAUSED)
		return "run-unpause";
	for (size_t i = 0; i < COUNT_OF(actions); i++)
		if (actions[i].wait && actions[i].wait == (int)d->wait.kind)
			return actions[i].name;
	return NULL;
}

const char *run_action_release(const struct hold *h, struct subject *ret)
{
	*ret = (struct subject){ .kind = "run" };
	snprintf(ret->id, sizeof(ret->id), "%s", h->subject);
	/* "sms-off (RUN-1)": the name of the hold is what stands before the run's */
	snprintf(ret->part, sizeof(ret->part), "%.*s", (int)strcspn(h->what ? h->what : "", " "),
	         h->what ? h->what : "");
	snprintf(ret->title, sizeof(ret->title), "%.20s %.60s", h->subject, ret->part);
	return "run-release";
}
