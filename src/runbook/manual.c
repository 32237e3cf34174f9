/*
 * ringdown-runbook(5), made from the rows of keys.c and the tables of verbs and parameters,
 * so that manual, parser and schema say the same. Prose is only what no row can say.
 */
#include <string.h>

#include "core/mem.h"
#include "runbook/keys.h"
#include "runbook/param.h"

/* Text for troff: no line begins with a control character, backslashes stay. */
static void add_text(struct str *out, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			str_add(out, "\\&");
		if (*text == '\\')
			str_add(out, "\\e");
		else if (*text == '-')
			str_add(out, "\\-");
		else
			str_addc(out, *text);
		start = *text == '\n';
	}
}

static const char *type_text(const struct key *k)
{
	static const char *const names[] = {
		[KEY_TEXT] = "text", [KEY_ID] = "id", [KEY_BOOL] = "true or false",
		[KEY_DURATION] = "duration", [KEY_CHOICE] = "word", [KEY_TEXTS] = "list of texts",
		[KEY_PAIRS] = "map of texts", [KEY_SPECIAL] = NULL,
	};

	return names[k->type];
}

static void add_key(struct str *out, const struct key *k)
{
	str_add(out, ".TP\n.B ");
	add_text(out, k->name);
	if (type_text(k))
		str_addf(out, "\\fR (%s%s)\n", type_text(k),
			 k->flags & KEY_REQUIRED ? ", required" : "");
	else
		str_addf(out, "%s\n", k->flags & KEY_REQUIRED ? "\\fR (required)" : "");
	add_text(out, k->help);
	if (k->type == KEY_CHOICE) {
		str_add(out, " One of: ");
		add_text(out, k->choices);
		str_addc(out, '.');
	}
	for (int v = 0; v < VERB_MAX && k->verbs && k->verbs != ~0U; v++)
		if (k->verbs & 1U << v)
			str_addf(out, " With %s.", verb_words[v].name);
	str_addc(out, '\n');
}

static void add_verbs(struct str *out)
{
	str_add(out, ".SH VERBS AND THEIR RESULTS\n");
	for (int v = 0; v < VERB_MAX; v++) {
		str_addf(out, ".TP\n.BI %s: \" %s\"\n", verb_words[v].name, verb_words[v].value);
		add_text(out, verb_words[v].help);
		str_add(out, " Subjects of expect and save: ");
		add_text(out, verb_words[v].subjects_help);
		str_add(out, ".");
		if (verb_words[v].main_subject)
			str_addf(out, " An expectation without a subject is about %s.",
				 verb_words[v].main_subject);
		str_addc(out, '\n');
	}
}

static void add_matchers(struct str *out)
{
	static const struct { const char *name, *help; } rows[] = {
		{ "VALUE", "Equal. 30003 is a number, '30003' a text; across types it is an"
			   " error." },
		{ "eq ne lt le gt ge", "Compared; lt to ge with numbers, durations (2s) and"
				       " times." },
		{ "in: [A, B]", "Equal to one of them." },
		{ "match: REGEX", "A text that matches (PCRE2, with limits)." },
		{ "contains: X", "A text with this part, a list with this member or one that"
		  " matches, a map with this name." },
		{ "exists: true|false", "There at all." },
		{ "count: M", "Of members; what is not there has none." },
		{ "all: M, any: M", "Every, or some member of a list. With a list of matchers: of"
		  " those, all or some hold for the value." },
		{ "not: M", "The opposite." },
		{ "{ok: M, warn: M}", "The first that holds, else fail." },
		{ "row: {where: {COLUMN: M}, COLUMN: M}", "Of an SQL result; a row that is not"
		  " there counts as 0." },
		{ "json: {PATH: M}", "Paths are $.a.b[0].c, [-1] is the last, ['a.b'] a name with"
				     " dots." },
	};

	str_add(out, ".SH MATCHERS\nSeveral conditions in one map hold together.\n");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str_add(out, ".TP\n.B ");
		add_text(out, rows[i].name);
		str_addc(out, '\n');
		add_text(out, rows[i].help);
		str_addc(out, '\n');
	}
}

static void add_params(struct str *out)
{
	str_add(out, ".SH TYPES OF PARAMETERS\n");
	for (int t = PARAM_STRING; t <= PARAM_FILE; t++) {
		struct param p = { .type = (enum param_type)t };
		struct str wants = STR_INIT(400);
		param_wants(&p, &wants);
		str_addf(out, ".TP\n.B %s\n", param_type_name(p.type));
		add_text(out, str_get(&wants));
		str_addc(out, '\n');
		str_fini(&wants);
	}
}

static const char names_text[] =
	".SH NAMES\n"
	"$name (or ${name}; $$ is a dollar) stands for one typed value: a parameter, or what an"
	" earlier step saved. It is bound, never pasted: in SQL a parameter with its type, in a"
	" list of arguments a part of one argument, in JSON a value of its own type, in a URL"
	" percent\\-encoded (a URL at the very beginning stays as it is), in a header refused when"
	" it holds a line break. A script gets it as an environment variable. Inside quotes,"
	" comments and dollar quotes of SQL a name is only text. Templates with {{name}} exist in"
	" messages of policy.yaml alone.\n";

static const char rules_text[] =
	".SH RULES\n"
	"A runbook with an error is not loaded; \\fBringdown runbook lint\\fR tells all of them.\n"
	".IP \\(bu 2\nA change says how it is undone, or undo: none with a why. It is always"
	" confirmed; a destroying one by typing its phrase.\n"
	".IP \\(bu 2\nA change of rows in SQL says how many are affected; any other number is"
	" rolled back.\n.IP \\(bu 2\nReads read: SQL in a transaction that cannot write, HTTP with"
	" GET, HEAD, OPTIONS unless the step says why.\n"
	".IP \\(bu 2\nWhat never ends by itself (tail \\-f, logs \\-f, watch) needs follow.\n"
	".IP \\(bu 2\nA secret stands in no argument, URL or SQL text.\n"
	".IP \\(bu 2\nNames are known before they are used; ids are given once; calls make no"
	" circle.\n";

static const char example_text[] =
	".SH EXAMPLE\n.nf\n"
	"ringdown: 1\n"
	"id: org\\-sms\n"
	"title: Stop SMS of one organisation\n"
	"params:\n"
	"  org_id: {type: id, help: organisation}\n"
	"phases:\n"
	"\\- phase: act\n"
	"  steps:\n"
	"  \\- id: off\n"
	"    effect: change\n"
	"    preview:\n"
	"      sql: SELECT \"smsDisabled\" FROM \"OrgSettings\" WHERE \"orgId\" = $org_id\n"
	"      save: {was: cell}\n"
	"    sql: UPDATE \"OrgSettings\" SET \"smsDisabled\" = true WHERE \"orgId\" = $org_id\n"
	"    expect: {affected: 1}\n"
	"    undo: {sql: 'UPDATE \"OrgSettings\" SET \"smsDisabled\" = $was WHERE \"orgId\" ="
	" $org_id'}\n.fi\n.SH SEE ALSO\n.BR ringdown (1)\n";

void runbook_manual(struct str *out)
{
	str_add(out, ".TH RINGDOWN\\-RUNBOOK 5\n.SH NAME\nringdown\\-runbook \\- procedures that"
		" ringdown walks through\n.SH DESCRIPTION\n");
	add_text(out, keys_runbook.help);
	str_add(out, "\n\\fBringdown runbook schema\\fR prints the JSON Schema for editors.\n");
	for (size_t i = 0; key_groups[i]; i++) {
		str_add(out, ".SH ");
		add_text(out, key_groups[i]->title);
		str_addc(out, '\n');
		if (i)
			add_text(out, key_groups[i]->help);
		str_addc(out, '\n');
		for (size_t k = 0; k < key_groups[i]->n; k++)
			add_key(out, &key_groups[i]->keys[k]);
	}
	add_verbs(out);
	add_matchers(out);
	add_params(out);
	str_add(out, names_text);
	str_add(out, rules_text);
	str_add(out, example_text);
}
