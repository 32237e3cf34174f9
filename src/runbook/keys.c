/*
 * The rows of keys.h: what may be written in a runbook, where it goes, and what it means
 * in one sentence. Help texts are read by people in the manual and in their editor.
 */
#include "runbook/keys.h"

#include <string.h>

#include "core/mem.h"

#define AT(S, M) .offset = offsetof(struct S, M)
#define LIST_AT(S, M) .offset = offsetof(struct S, M), .count = offsetof(struct S, n_##M)
#define V(name) (1U << VERB_##name)
#define GROUP(var, name_, title_, rows, help_)                                                     \
	const struct key_group var = { name_, title_, help_, rows, COUNT_OF(rows) }

#define TEXT_SCHEMA "{\"type\":\"string\"}"
#define ANY_TEXT "{\"type\":[\"string\",\"number\",\"boolean\"]}"
#define MATCHER "{\"$ref\":\"#/$defs/matcher\"}"
#define MATCHERS "{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":" MATCHER "}"
#define STEPS "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/step\"}}"

static const struct key runbook_keys[] = {
	{ "ringdown", KEY_SPECIAL, .flags = KEY_REQUIRED, .read = read_version,
	  .schema = "{\"const\":1}", .help = "Version of the format: 1. Comes first." },
	{ "id", KEY_ID, AT(runbook, id), .flags = KEY_REQUIRED,
	  .help = "Name used by commands, links and call; the file is ID.yaml." },
	{ "title", KEY_TEXT, AT(runbook, title), .flags = KEY_REQUIRED, .help =
	  "One line for people." },
	{ "service", KEY_TEXT, AT(runbook, service), .help = "What it is about; lists filter "
		"by it." },
	{ "severity", KEY_TEXT, AT(runbook, severity), .help = "Id of a severity of policy.yaml." },
	{ "trigger", KEY_SPECIAL, .read = read_trigger, .schema = "{\"$ref\":\"#/$defs/trigger\"}",
	  .help = "When it is offered." },
	{ "symptoms", KEY_TEXTS, LIST_AT(runbook, symptoms), .help = "What people see; shown "
		"in the list." },
	{ "links", KEY_TEXTS, LIST_AT(runbook, links), .help = "Pages or ids of other runbooks." },
	{ "never", KEY_SPECIAL, .read = read_never,
	  .schema = "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/never\"}}",
	  .help = "What must not be done meanwhile; shown all the time, and blocks steps by tag." },
	{ "params", KEY_SPECIAL, .read = read_params,
	  .schema = "{\"type\":\"object\","
		    "\"additionalProperties\":{\"anyOf\":[{\"$ref\":\"#/$defs/param\"},"
		    TEXT_SCHEMA "]}}",
	  .help = "name: parameter. A type alone may stand for the map." },
	{ "tables", KEY_SPECIAL, .read = read_tables,
	  .schema = "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"array\","
		    "\"items\":{\"type\":\"object\"}}}",
	  .help = "name: list of rows. For explain and bind." },
	{ "phases", KEY_SPECIAL, .flags = KEY_REQUIRED, .read = read_phases,
	  .schema = "{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/$defs/phase\"}}",
	  .help = "The steps, in order." },
	{ "after", KEY_SPECIAL, .read = read_after, .schema = "{\"$ref\":\"#/$defs/after\"}",
	  .help = "What is due when it is over." },
	{ "prevention", KEY_TEXTS, LIST_AT(runbook, prevention), .help =
	  "What keeps it from happening again." },
	{ "review", KEY_TEXTS, LIST_AT(runbook, review), .help = "When this runbook is read "
		"again, by whom." },
};
GROUP(keys_runbook, "runbook", "THE FILE", runbook_keys,
      "One runbook in one file, YAML, named ID.yaml. Only the core scalars are used: write "
	"'yes' with quotes, durations with their unit (90s, 5m, 1h30m).");

static const struct key trigger_keys[] = {
	{ "alerts", KEY_TEXTS, LIST_AT(run_trigger, alerts), .help = "Names of alerts for "
		"which it is suggested." },
	{ "text", KEY_TEXT, AT(run_trigger, text), .help = "In words." },
	{ "kinds", KEY_TEXTS, LIST_AT(run_trigger, kinds),
		.help = "What it fits: the status or severity of a "
		"failover event, or a kind of row: account agent sms webhook." },
};
GROUP(keys_trigger, "trigger", "TRIGGER", trigger_keys, "When the runbook is suggested.");

static const struct key never_keys[] = {
	{ "text", KEY_TEXT, AT(never, text), .flags = KEY_REQUIRED, .help = "The rule." },
	{ "blocks", KEY_TEXTS, LIST_AT(never, blocks), .help = "Steps with one of these tags "
		"cannot run." },
};
GROUP(keys_never, "never", "NEVER", never_keys, "A rule in force while the run is open.");

static const struct key param_keys[] = {
	{ "type", KEY_SPECIAL, .flags = KEY_REQUIRED, .read = read_type,
	  .schema = "{\"enum\":[\"string\",\"int\",\"number\",\"bool\",\"enum\","
		    "\"phone\",\"date\",\"duration\",\"url\",\"id\",\"secret\",\"file\"]}",
	  .help = "string int number bool enum phone date duration url id secret file. A "
		"secret is masked everywhere, never stored, and cannot stand in an argument, "
			"a URL or SQL." },
	{ "help", KEY_TEXT, AT(param, help), .help = "Shown where it is asked for." },
	{ "pattern", KEY_TEXT, AT(param, pattern), .help = "Regular expression that the text "
		"must match." },
	{ "choices", KEY_TEXTS, LIST_AT(param, choices), .help = "What may be chosen; "
		"required for enum." },
	{ "min", KEY_SPECIAL, .read = read_min, .schema = ANY_TEXT, .help =
	  "Least number, duration, or length of a text." },
	{ "max", KEY_SPECIAL, .read = read_max, .schema = ANY_TEXT, .help =
	  "Greatest number, duration, or length of a text." },
	{ "default", KEY_SPECIAL, .read = read_default, .schema = ANY_TEXT, .help =
	  "Used when nothing is given." },
	{ "from", KEY_SPECIAL, .read = read_from,
	  .schema = "{\"anyOf\":[{\"enum\":[\"env\",\"file\",\"target\",\"cmd\"]},"
		"{\"$ref\":\"#/$defs/from\"}]}",
	  .help = "Where it is taken from: env, file, target (of policy.yaml) or cmd; the "
		"parameter's own name, or a map that names it. A secret comes from env or "
			"file only." },
	{ "ask", KEY_SPECIAL, .read = read_ask_when, .schema = "{\"enum\":[\"start\",\"at-use\"]}",
	  .help = "start, or at-use (default): when the first step needs it." },
};
GROUP(keys_param, "param", "PARAMETERS", param_keys,
      "Values that people, the environment or policy.yaml give. Used as $name.");

static const struct key from_keys[] = {
	{ "env", KEY_TEXT, .help = "Environment variable." },
	{ "file", KEY_TEXT, .help = "File whose content it is, without the last newline." },
	{ "target", KEY_TEXT, .help = "Member of the target in policy.yaml." },
	{ "cmd", KEY_TEXTS, .help = "Command that prints it, as a list of arguments." },
};
GROUP(keys_from, "from", "FROM", from_keys, "Where a parameter is taken from; exactly one.");

static const struct key phase_keys[] = {
	{ "phase", KEY_TEXT, AT(phase, name), .flags = KEY_REQUIRED, .help = "Its name." },
	{ "box", KEY_SPECIAL, .read = read_box, .schema = "{\"type\":\"string\","
		    "\"pattern\":\"^[0-9a-z]+\\\\.\\\\.[0-9a-z]+$\"}",
	  .help = "Time box from the start of the run, as 0m..15m. Its end prompts, it never "
		"skips." },
	{ "steps", KEY_SPECIAL, .flags = KEY_REQUIRED, .read = read_steps_of_phase, .schema = STEPS,
	  .help = "Steps, in order." },
};
GROUP(keys_phase, "phase", "PHASES", phase_keys, "Parts of a runbook.");

static const struct key step_keys[] = {
	{ "id", KEY_ID, AT(step, id), .help = "To refer to it; made from the title when not "
		"given." },
	{ "title", KEY_TEXT, AT(step, title), .help = "One line." },
	{ "help", KEY_TEXT, AT(step, help), .help = "More, for who has not done it before." },
	{ "role", KEY_TEXT, AT(step, role), .help = "Who does it." },
	{ "tags", KEY_TEXTS, LIST_AT(step, tags), .help = "Words; never rules block by them." },
	{ "when", KEY_SPECIAL, .read = read_when, .schema = "{\"$ref\":\"#/$defs/condition\"}",
	  .help = "Only then; otherwise the step is not applicable." },
	{ "optional", KEY_BOOL, AT(step, optional), .help = "Done only when a person says so." },
	{ "timeout", KEY_DURATION, AT(step, timeout_ms), .help = "Default 30s." },
	{ "retry", KEY_SPECIAL, .read = read_retry, .schema = "{\"$ref\":\"#/$defs/retry\"}",
	  .help = "Try again while it fails." },
	{ "expect", KEY_SPECIAL, .read = read_expect,
	  .schema = "{\"anyOf\":[" MATCHERS "," ANY_TEXT "]}",
	  .help = "subject: matcher. A matcher alone is for the verb's main subject." },
	{ "save", KEY_SPECIAL, .read = read_save,
	  .schema = "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" TEXT_SCHEMA
		",{\"$ref\":\"#/$defs/save\"}]}}",
	  .help = "name: subject; later steps use it as $name." },
	{ "bind", KEY_SPECIAL, .read = read_bind,
	  .schema = "{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#/$defs/binding\"}}",
	  .help = "name: list of values from a table, for this step." },
	{ "explain", KEY_PAIRS, LIST_AT(step, explain), .help = "result column: table. Joins "
		"the table's row to each result." },
	{ "mask", KEY_TEXTS, LIST_AT(step, mask), .help = "Columns or JSON paths kept out of "
		"the journal." },
	{ "effect", KEY_SPECIAL, .read = read_effect, .schema = "{\"enum\":[\"read\","
		    "\"change\",\"destroy\",\"unknown\"]}",
	  .help = "read (default), change (default of say and of HTTP methods that write), "
		"destroy. unknown cannot run: it comes from an import." },
	{ "preview", KEY_SPECIAL, .read = read_preview, .schema = "{\"$ref\":\"#/$defs/preview\"}",
	  .help = "A read that shows what will be changed; may save the old value." },
	{ "confirm", KEY_SPECIAL, .read = read_confirm,
	  .schema = "{\"anyOf\":[{\"type\":\"boolean\"},{\"$ref\":\"#/$defs/confirm\"}]}",
	  .help = "A change always asks; a destroying step needs a phrase." },
	{ "undo", KEY_SPECIAL, .read = read_undo,
	  .schema = "{\"anyOf\":[{\"const\":\"none\"},{\"$ref\":\"#/$defs/undo\"}]}",
	  .help = "The operation that takes it back, or none with a why." },
	{ "why", KEY_TEXT, AT(step, why), .help = "Reason for undo: none, or for effect: read "
		"of a method that writes." },
	{ "hold", KEY_TEXT, AT(step, hold), .help = "Name of the hazard it leaves; pinned on "
		"every console until released." },
	{ "release", KEY_SPECIAL, .read = read_release, .schema = TEXT_SCHEMA, .help =
	  "Name of the hold it ends." },
	{ "on_fail", KEY_SPECIAL, .read = read_on_fail, .schema =
	  "{\"enum\":[\"stop\",\"go\",\"ask\"]}",
	  .help = "stop, go (default of reads) or ask (default of changes)." },
};
GROUP(keys_step, "step", "STEPS", step_keys, "Exactly one verb, and what goes with it.");

#define VERB_ROW(NAME, READ, SCHEMA, HELP)                                                         \
	{ NAME, KEY_SPECIAL, .read = READ, .schema = SCHEMA, .help = HELP }
static const struct key operation_keys[] = {
	VERB_ROW("http", read_http, "{\"anyOf\":[" TEXT_SCHEMA ",{\"$ref\":\"#/$defs/http\"}]}",
		 "METHOD url, or a map. ringdown:/path calls this engine."),
	VERB_ROW("sql", read_sql, TEXT_SCHEMA, "One statement with $name as parameters."),
	VERB_ROW("run", read_run,
		 "{\"anyOf\":[{\"type\":\"array\",\"minItems\":1,\"items\":" ANY_TEXT
		"}," TEXT_SCHEMA "]}",
		 "A list of arguments, run without a shell; or a text, run by bash with "
			"parameters as its environment."),
	VERB_ROW("metric", read_metric, TEXT_SCHEMA, "Name of a metric of policy.yaml, with "
		"its bands."),
	VERB_ROW("ask", read_ask, TEXT_SCHEMA, "Something a person does or answers."),
	VERB_ROW("decide", read_decide, TEXT_SCHEMA, "A question with options; what is likely "
		"is computed, the choice is a person's."),
	VERB_ROW("gate", read_gate, "{\"$ref\":\"#/$defs/gate\"}", "Waits for a time, a check "
		"or an approval."),
	VERB_ROW("say", read_say, TEXT_SCHEMA, "Id of a message template of policy.yaml."),
	VERB_ROW("call", read_call, TEXT_SCHEMA, "Id of another runbook."),
	VERB_ROW("note", read_note, TEXT_SCHEMA, "A text to be read."),
	{ "headers", KEY_PAIRS, LIST_AT(operation, headers), .verbs = V(HTTP), .help =
	  "name: text." },
	{ "query", KEY_PAIRS, LIST_AT(operation, query), .verbs = V(HTTP), .help =
	  "name: text, encoded into the URL." },
	{ "form", KEY_PAIRS, LIST_AT(operation, form), .verbs = V(HTTP), .help =
	  "name: text, as the body." },
	{ "json", KEY_SPECIAL, .verbs = V(HTTP), .read = read_json, .schema = "{}",
	  .help = "Body; a text that is $name becomes the value with its own type." },
	{ "auth", KEY_SPECIAL, .verbs = V(HTTP), .read = read_auth, .schema =
	  "{\"$ref\":\"#/$defs/auth\"}",
	  .help = "Credentials, by the name of a secret parameter." },
	{ "db", KEY_CHOICE, AT(operation, db), .verbs = V(SQL), .choices = "app|ringdown",
	  .flags = KEY_AS_TEXT,
	  .help = "app (default) or ringdown." },
	{ "tx", KEY_CHOICE, AT(operation, tx), .verbs = V(SQL), .choices = "none",
	  .flags = KEY_AS_TEXT,
	  .help = "none: outside of a transaction, for statements that demand it." },
	{ "env", KEY_PAIRS, LIST_AT(operation, env), .verbs = V(RUN), .help = "VARIABLE: text." },
	{ "cwd", KEY_TEXT, AT(operation, cwd), .verbs = V(RUN), .help = "Directory." },
	{ "follow", KEY_DURATION, AT(operation, follow_ms), .verbs = V(RUN),
	  .help = "End a command that never ends after so long; that is success." },
	{ "leaves_running", KEY_BOOL, AT(operation, leaves_running), .verbs = V(RUN),
	  .help = "Programs that a change starts and that outlive it stay, as a service's daemon "
		"does; else they are ended with the step. A cancelled step leaves nothing." },
	{ "count", KEY_PAIRS, LIST_AT(operation, count), .verbs = V(RUN), .help =
	  "name: regular expression, counted over the lines of output." },
	{ "over", KEY_DURATION, AT(operation, over_ms), .verbs = V(METRIC), .help =
	  "Span that is looked at." },
	{ "answer", KEY_CHOICE, AT(operation, answer), .verbs = V(ASK), .choices =
		"done|yesno|text|number|choice",
	  .flags = KEY_AS_TEXT, .help = "done (default), yesno, text, number, or choice of "
		"the items." },
	{ "items", KEY_TEXTS, LIST_AT(operation, items), .verbs = V(ASK), .help =
	  "Checklist, or the choices." },
	{ "options", KEY_SPECIAL, .verbs = V(DECIDE), .read = read_options,
	  .schema = "{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/$defs/option\"}}",
	  .help =
	  "What can be picked." },
	{ "to", KEY_TEXTS, LIST_AT(operation, to), .verbs = V(SAY), .help =
	  "slack:#channel, pager, mail:address, status-page, role:name." },
	{ "every", KEY_DURATION, AT(operation, say_every_ms), .verbs = V(SAY), .help =
	  "Again and again." },
	{ "until", KEY_TEXT, AT(operation, say_until), .verbs = V(SAY), .help =
	  "What ends the repetition: resolved, or the id of a step that passed." },
	{ "needs", KEY_TEXTS, LIST_AT(operation, needs_fields), .verbs = ~0U,
	  .help = "Steps that must have passed before; with say also fields of the message "
		"that must be filled." },
	{ "with", KEY_PAIRS, LIST_AT(operation, with), .verbs = V(CALL), .help =
	  "parameter: value of the other runbook." },
};
GROUP(keys_operation, "operation", "VERBS", operation_keys,
      "One of http sql run metric ask decide gate say call note, and the keys that belong to it.");

static const struct key preview_keys[] = {
	{ "save", KEY_SPECIAL, .read = read_preview_save,
	  .schema = "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" TEXT_SCHEMA
		",{\"$ref\":\"#/$defs/save\"}]}}",
	  .help = "name: subject; for the undo." },
};
GROUP(keys_preview, "preview", "PREVIEW", preview_keys, "One verb that reads (http, sql, run, "
	"metric), and what is kept of it.");

static const struct key undo_keys[] = {
	{ "release", KEY_TEXT, AT(step, undo_release), .help = "Name of the hold that the "
		"undo ends." },
};
GROUP(keys_undo, "undo", "UNDO", undo_keys, "One verb (http, sql, run, say, ask), offered in "
	"reverse order when a run is taken back.");

static const struct key http_keys[] = {
	{ "method", KEY_TEXT, AT(operation, method), .help = "GET (default) HEAD OPTIONS POST "
		"PUT PATCH DELETE." },
	{ "url", KEY_TEXT, AT(operation, text), .flags = KEY_REQUIRED, .help =
	  "May begin with the method." },
	{ "headers", KEY_PAIRS, LIST_AT(operation, headers), .help = "name: text." },
	{ "query", KEY_PAIRS, LIST_AT(operation, query), .help = "name: text, encoded into "
		"the URL." },
	{ "form", KEY_PAIRS, LIST_AT(operation, form), .help = "name: text, as the body." },
	{ "json", KEY_SPECIAL, .read = read_json, .schema = "{}", .help = "Body." },
	{ "auth", KEY_SPECIAL, .read = read_auth, .schema = "{\"$ref\":\"#/$defs/auth\"}", .help =
	  "Credentials." },
};
GROUP(keys_http, "http", "HTTP", http_keys, "The long form of http; the keys may also stand "
	"in the step.");

static const struct key auth_keys[] = {
	{ "user", KEY_TEXT, AT(operation, auth_user), .help = "Basic: the user." },
	{ "secret", KEY_TEXT, AT(operation, auth_secret), .help = "Basic, or with header: the "
		"secret parameter." },
	{ "bearer", KEY_TEXT, AT(operation, auth_bearer), .help = "Secret parameter sent as a "
		"bearer token." },
	{ "header", KEY_TEXT, AT(operation, auth_header), .help = "Header that carries the "
		"secret instead of Authorization." },
};
GROUP(keys_auth, "auth", "AUTH", auth_keys, "Credentials; secrets by the name of their "
	"parameter, without a dollar.");

static const struct key gate_keys[] = {
	{ "time", KEY_DURATION, AT(operation, gate_time_ms), .help = "Opens after so long, "
		"also across restarts." },
	{ "until", KEY_TEXT, AT(operation, gate_until), .help = "Opens when this step passes; "
		"it is repeated every so often." },
	{ "every", KEY_DURATION, AT(operation, gate_every_ms), .help = "Default 30s." },
	{ "max", KEY_DURATION, AT(operation, gate_max_ms), .help = "Fails after so long. "
		"Default 30m." },
	{ "approval", KEY_TEXT, AT(operation, gate_role), .help = "Role that must approve: "
		"operator or admin." },
	{ "window", KEY_DURATION, AT(operation, gate_window_ms), .help =
	  "How long approval is waited for." },
	{ "at_end", KEY_CHOICE, AT(operation, gate_at_end), .choices = "stop|go",
	  .flags = KEY_AS_TEXT,
	  .help = "What the end of the window means: stop (default) or go." },
	{ "recheck", KEY_SPECIAL, .read = read_recheck, .schema = "{\"$ref\":\"#/$defs/recheck\"}",
	  .help = "Checks repeated while the window is open." },
};
GROUP(keys_gate, "gate", "GATE", gate_keys, "Exactly one of time, until, approval.");

static const struct key recheck_keys[] = {
	{ "every", KEY_DURATION, AT(operation, gate_every_ms), .help = "Default 30s." },
	{ "steps", KEY_TEXTS, LIST_AT(operation, gate_steps), .flags = KEY_REQUIRED, .help =
	  "Ids of steps." },
	{ "if_pass", KEY_SPECIAL, .read = read_if_pass, .schema = "{\"const\":\"cancel\"}",
	  .help = "cancel: when all pass, the gate ends the run as no longer needed." },
};
GROUP(keys_recheck, "recheck", "RECHECK", recheck_keys, "Checks of an approval's window.");

static const struct key option_keys[] = {
	{ "pick", KEY_ID, AT(option, pick), .flags = KEY_REQUIRED, .help = "Its name." },
	{ "label", KEY_TEXT, AT(option, label), .help = "In words." },
	{ "likely_when", KEY_SPECIAL, .read = read_likely, .schema =
	  "{\"$ref\":\"#/$defs/condition\"}",
	  .help = "Suggested then." },
	{ "steps", KEY_SPECIAL, .read = read_steps_of_option, .schema = STEPS, .help =
	  "Steps when it is picked." },
};
GROUP(keys_option, "option", "OPTIONS", option_keys, "An option of decide.");

static const struct key retry_keys[] = {
	{ "times", KEY_SPECIAL, .flags = KEY_REQUIRED, .read = read_times, .schema =
	  "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}",
	  .help = "How often at most, 1 to 1000." },
	{ "every", KEY_DURATION, AT(step, retry_every_ms), .help = "Pause between; default 5s." },
	{ "unless", KEY_SPECIAL, .read = read_unless, .schema = MATCHERS, .help =
	  "subject: matcher; then no more tries." },
};
GROUP(keys_retry, "retry", "RETRY", retry_keys, "Trying again.");

static const struct key confirm_keys[] = {
	{ "type", KEY_TEXT, AT(step, confirm_type), .help = "Phrase to be typed." },
	{ "second", KEY_BOOL, AT(step, confirm_second), .help = "By another person." },
};
GROUP(keys_confirm, "confirm", "CONFIRM", confirm_keys, "How a step is confirmed.");

static const struct key binding_keys[] = {
	{ "table", KEY_TEXT, AT(binding, table), .flags = KEY_REQUIRED, .help =
	  "A table of this runbook." },
	{ "column", KEY_TEXT, AT(binding, column), .flags = KEY_REQUIRED, .help =
	  "Whose values are taken." },
	{ "where", KEY_SPECIAL, .read = read_where, .schema = MATCHERS,
	  .help = "column: matcher." },
};
GROUP(keys_binding, "binding", "BIND", binding_keys, "A list of values out of a table.");

static const struct key after_keys[] = {
	{ "checklist", KEY_TEXTS, LIST_AT(runbook, checklist), .help = "What is ticked off." },
	{ "deadlines", KEY_SPECIAL, .read = read_deadlines,
	  .schema = "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/deadline\"}}", .help =
	  "What is due when." },
};
GROUP(keys_after, "after", "AFTER", after_keys, "When the run is over.");

static const struct key deadline_keys[] = {
	{ "do", KEY_TEXT, AT(deadline, what), .flags = KEY_REQUIRED, .help = "What." },
	{ "within", KEY_DURATION, AT(deadline, within_ms), .flags = KEY_REQUIRED, .help =
	  "From the end of the run." },
};
GROUP(keys_deadline, "deadline", "DEADLINES", deadline_keys, "A duty with a date.");

static const struct key save_keys[] = {
	{ "value", KEY_TEXT, AT(save, expression), .flags = KEY_REQUIRED, .help = "Subject." },
	{ "secret", KEY_BOOL, AT(save, secret), .help = "Masked from then on." },
};
GROUP(keys_save, "save", "SAVE", save_keys, "The long form of what is kept.");

const struct key_group *const key_groups[] = {
	&keys_runbook, &keys_trigger, &keys_never, &keys_param, &keys_from, &keys_phase, &keys_step,
	&keys_operation, &keys_http, &keys_auth, &keys_gate, &keys_recheck, &keys_option,
	&keys_retry,
	&keys_save, &keys_binding, &keys_preview, &keys_undo, &keys_confirm, &keys_after,
	&keys_deadline, NULL,
};

#define SUBJECTS(...) (const char *const[]){ __VA_ARGS__, NULL }
const struct verb_words verb_words[VERB_MAX] = {
	[VERB_HTTP] = { "http", "METHOD url", "Asks a server.",
		SUBJECTS("status", "time", "header", "body", "json", "cert_days"), "status",
		"status, time, header {name: M}, body, json {path: M}, cert_days" },
	[VERB_SQL] = { "sql", "statement", "Asks or changes a database.",
		SUBJECTS("rows", "cell", "row", "column", "sum", "min", "max", "avg", "mode",
			 "affected", "time"), NULL,
		"rows, cell, cell(col), row {where: {col: M}, col: M}, column(col), sum(col), "
			"min(col), max(col), avg(col), mode(col), affected, time" },
	[VERB_RUN] = { "run", "arguments or script", "Runs a program.",
		SUBJECTS("exit", "stdout", "stderr", "lines", "json", "counts", "time"), "exit",
		"exit, stdout, stderr, lines, json {path: M}, counts {name: M}, time" },
	[VERB_METRIC] = { "metric", "name", "Reads a metric; its bands are in policy.yaml.",
		SUBJECTS("value"), "value", "value" },
	[VERB_ASK] = { "ask", "text", "Asks a person.", SUBJECTS("answer", "items"), "answer",
		"answer, items" },
	[VERB_DECIDE] = { "decide", "question", "Lets a person choose the branch.",
		SUBJECTS("pick"), "pick", "pick" },
	[VERB_GATE] = { "gate", "conditions", "Waits.", SUBJECTS("who", "how"), NULL, "who, how" },
	[VERB_SAY] = { "say", "template", "Sends a message.", SUBJECTS("text", "sent"), NULL,
		"text, sent" },
	[VERB_CALL] = { "call", "runbook", "Walks another runbook.", SUBJECTS("outcome"),
		"outcome", "outcome" },
	[VERB_NOTE] = { "note", "text", "Is read.", (const char *const[]){ NULL }, NULL, "none" },
};

bool verb_has_subject(enum verb_id v, const char *subject)
{
	for (const char *const *s = verb_words[v].subjects; *s; s++)
		if (str_eq(*s, subject))
			return true;
	return false;
}

const char *effect_name(enum effect e)
{
	static const char *const names[] = { "read", "change", "destroy", "unknown" };

	return (size_t)e < COUNT_OF(names) ? names[e] : "?";
}
