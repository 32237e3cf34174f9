/*
 * What commands, statements and URLs do, judged by their text. A row has a word that must
 * be there before its expression is even compiled, so that a usual file costs nothing.
 *
 * Of a statement only its first words and a few others are looked at, outside of quotes and
 * comments.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/mem.h"
#include "core/regex.h"
#include "runbook/bind.h"
#include "runbook/lint.h"

enum judgement {
	ENDLESS,		/* error unless follow is given */
	SLOW,			/* error unless follow or a timeout of its own is given */
	SILENT,			/* error always: can never print */
	TERMINAL,		/* error always: wants one */
	DESTROYS,		/* error unless effect is destroy */
	CHANGES,		/* warning when effect is read */
	CREDENTIAL,		/* error always */
};
static const struct rule { enum judgement what; const char *word, *pattern, *says; } rules[] = {
	{ SILENT, "|", "(tail\\b[^|;]*\\s(-[a-zA-Z]*[fF]|--follow)|logs\\b[^|"
		";]*\\s(-[a-zA-Z]*f|--follow))[^;]*\\|\\s*(sort|tail|wc|uniq)\\b",
	  "a command that never ends feeds one that waits for its end: it can never print" },
	{ ENDLESS, "tail", "\\btail\\s(.*\\s)?(-[a-zA-Z0-9]*[fF]|--follow)", "tail -f never ends" },
	{ ENDLESS, "logs", "\\blogs\\s(.*\\s)?(-[a-zA-Z]*f[a-zA-Z]*\\b|--follow)",
	  "logs -f never ends" },
	{ ENDLESS, "journalctl", "\\bjournalctl\\s(.*\\s)?(-[a-zA-Z]*f[a-zA-Z]*\\b|--follow)",
		"journalctl -f never ends" },
	{ ENDLESS, "pm2", "\\bpm2\\s+(logs?\\b(?!.*--nostream)|monit)",
		"pm2 logs never ends (--nostream does)" },
	{ ENDLESS, "watch", "(^|[;|&(]\\s*|\\n\\s*)watch\\s", "watch never ends" },
	{ ENDLESS, "kubectl", "\\bkubectl\\s.*\\s(-w|--watch)\\b", "kubectl --watch never ends" },
	{ ENDLESS, "redis-cli", "\\bredis-cli\\b.*\\s((?i)monitor|subscribe|--stat|--latency)\\b",
		"this redis-cli command never ends" },
	{ ENDLESS, "ping", "(^|[;|&(]\\s*|\\n\\s*)ping6?\\b(?!.*\\s-c)",
		"ping without -c never ends" },
	{ ENDLESS, "tcpdump", "\\btcpdump\\b(?!.*\\s-c)", "tcpdump without -c never ends" },
	{ ENDLESS, "top", "(^|[;|&(]\\s*|\\n\\s*)top\\b(?!.*\\s-[a-zA-Z]*b)",
		"top never ends (top -b -n 1 does)" },
	{ ENDLESS, "sleep", "\\bsleep\\s+infinity", "this never ends" },
	{ SLOW, "s_client", "\\bs_client\\b", "s_client waits on the connection" },
	{ SLOW, "trace", "\\b(traceroute|tracepath)6?\\b", "tracing a route takes minutes" },
	{ SLOW, "mtr", "(^|\\s)mtr\\b", "mtr takes long" },
	{ SLOW, "speed", "\\bspeed-?test", "a speed test takes long" },
	{ TERMINAL, "", "(^|[;|&(]\\s*|\\n\\s*)(less|more|vi|vim|nano|emacs|htop|man)(\\s|$)",
		"this program wants a terminal; steps have none" },
	{ TERMINAL, "-", "\\b(docker|podman|kubectl|oc|docker-compose)\\s.*\\s(-it|-ti|-t\\s+-i|"
		"-i\\s+-t|--tty)\\b", "-t wants a terminal; steps have none: leave it out" },
	{ TERMINAL, "edit", "\\b(kubectl|oc)\\s+(-\\S+(\\s+[^-\\s]\\S*)?\\s+)*edit\\s",
		"this opens an editor, which wants a terminal; steps have none" },
	{ TERMINAL, "sudo", "(^|[;|&(]\\s*|\\n\\s*)sudo\\s+(-i|-s|su)(\\s+-)?\\s*($|\\n)",
		"this opens a shell, which wants a terminal; steps have none" },
	{ DESTROYS, "", "(?i)\\bflush(db|all)\\b", "emptying Redis" },
	{ DESTROYS, "-delete", "\\bfind\\b.*\\s-delete\\b", "find -delete" },
	{ DESTROYS, "rm", "(^|[;|&(\\s])rm\\s+(-\\S+\\s+)*-[a-zA-Z]*[rR]", "rm -r" },
	{ DESTROYS, "pg_restore", "\\bpg_restore\\b(?!.*\\s(-l|--list)\\b)(?!.*--version)",
		"pg_restore" },
	{ DESTROYS, "dropdb", "\\bdropdb\\b", "dropdb" },
	{ DESTROYS, "iptables", "\\bip6?tables\\b.*\\s(-F|--flush|-X)\\b",
	  "flushing the firewall" },
	{ DESTROYS, "", "(?i)\\bdrop\\s+(table|database|schema)\\b", "DROP" },
	{ DESTROYS, "kubectl", "\\bkubectl\\s+delete\\b", "kubectl delete" },
	{ DESTROYS, "down", "\\bdocker(-| )compose\\b.*\\bdown\\b.*\\s(-v|--volumes)\\b",
		"removing volumes" },
	{ CHANGES, "pm2", "\\bpm2\\s+(restart|stop|start|reload|delete|scale|set)\\b", "pm2" },
	{ CHANGES, "systemctl", "\\bsystemctl\\s+(restart|stop|start|reload|enable|disable)\\b",
		"systemctl" },
	{ CHANGES, "docker", "\\bdocker(-compose|\\s+compose)?\\s+(restart|stop|start|up|down|"
		"rm|kill)\\b", "docker" },
	{ CHANGES, "git", "\\bgit\\s+(checkout|pull|reset|revert|merge|push|commit)\\b", "git" },
	{ CHANGES, "npm", "\\bnpm\\s+(install|ci|update|uninstall)\\b", "npm" },
	{ CHANGES, "redis-cli", "\\bredis-cli\\b.*\\s((?i)set|del|config\\s+set|lpush|rpush|"
		"expire)\\s", "redis-cli" },
	{ CHANGES, "iptables", "\\bip6?tables\\b.*\\s-[AID]\\s", "iptables" },
	{ CHANGES, "kill", "(^|[;|&(\\s])(kill|pkill|killall)\\s", "kill" },
	/* (name) is what an import leaves in place of one */
	{ CREDENTIAL, "://", "://[^/\\s:@$'\"<]+:(?!\\(\\w+\\)@)[^/\\s@$'\"<]+@",
		"a password stands in the URL" },
	{ CREDENTIAL, "", "\\b(sk_live_|sk-|xox[abp]-|gh[pos]_|AKIA)[A-Za-z0-9_-]{16,}",
		"this looks like a key" },
	{ CREDENTIAL, "", "(?i)(--(password|passwd|secret|auth-token|api-secret|token)[= "
		"]+|\\b(password|secret|token)=)['\"]?(?!\\$|['\"]?<|your|x{3}|\\*)"
			"[A-Za-z0-9+/_-]{8,}", "this looks like a password in the text" },
};

static void judge(const struct lint *l, const struct rule *rule, const struct operation *op,
		  enum effect effect)
{
	switch (rule->what) {
	case ENDLESS:
		if (!op->follow_ms)
			lint_error(l, op->at, "%s: bound it with 'follow: 60s'", rule->says);
		break;
	case SLOW:
		if (!op->follow_ms && l->step->timeout_ms == 30000)
			lint_error(l, op->at, "%s: bound it with 'follow' or a 'timeout' of "
				"its own", rule->says);
		break;
	case SILENT:
	case TERMINAL:
		lint_error(l, op->at, "%s", rule->says);
		break;
	case DESTROYS:
		if (effect != EFFECT_DESTROY && effect != EFFECT_UNKNOWN)
			lint_error(l, op->at, "%s destroys: declare 'effect: destroy', not %s",
				   rule->says, effect_name(effect));
		break;
	case CHANGES:
		if (effect == EFFECT_READ)
			lint_warn(l, op->at, "%s changes something here, the step is declared "
				"to read",
				  rule->says);
		break;
	case CREDENTIAL:
		lint_error(l, op->at, "%s: make it a parameter of type secret", rule->says);
		break;
	}
}

static void apply_rules(const struct lint *l, const struct operation *op, enum effect effect,
			const char *text, bool credentials)
{
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		const struct rule *rule = &rules[i];
		if ((rule->what == CREDENTIAL) != credentials ||
		    (*rule->word && !strstr(text, rule->word)))
			continue;
		struct regex *re = regex_new(rule->pattern, false, NULL);
		bool hit = re && regex_match(re, text, strlen(text));
		regex_free(re);
		if (hit)
			judge(l, rule, op, effect);
		if (hit && rule->what == SILENT)
			return; /* what else it does is of no interest */
	}
}

struct texts { const struct lint *l; const struct operation *op; enum effect effect; };

static void credential_in(void *ctx, enum text_use use, const char *text, struct place at)
{
	struct texts *t = ctx;

	(void)use;
	(void)at;
	if (strlen(text) >= 8)
		apply_rules(t->l, t->op, t->effect, text, true);
}

static void lint_command(const struct lint *l, const struct operation *op, enum effect effect)
{
	struct str line = STR_INIT(STR_MAX_DEFAULT);
	const char *text = op->text;

	for (size_t i = 0; i < op->n_argv; i++)
		str_addf(&line, "%s%s", i ? " " : "", op->argv[i]);
	if (op->n_argv) {
		const char *slash = strchr(op->argv[0], '/') ? strrchr(op->argv[0], '/') + 1 : NULL;
		text = slash ? str_get(&line) + (slash - op->argv[0]) : str_get(&line);
	}
	apply_rules(l, op, effect, text, false);
	apply_rules(l, op, effect, text, true);
	str_fini(&line);
}

/* ---- SQL ---- */
/* The statement without quoted texts and comments, in lower case, blanks single. */
static char *skeleton(const char *sql)
{
	struct str out = STR_INIT(STR_MAX_DEFAULT);

	for (const char *p = sql; *p;) {
		if (*p == '\'') {
			p++;
			while (*p && (*p != '\'' || p[1] == '\''))
				p += *p == '\'' ? 2 : 1;
			p += *p != '\0';
			str_add(&out, "''");
		} else if (p[0] == '-' && p[1] == '-') {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			const char *end = strstr(p + 2, "*/");
			p = end ? end + 2 : p + strlen(p);
		} else if (isspace((unsigned char)*p)) {
			if (out.len && out.s[out.len - 1] != ' ')
				str_addc(&out, ' ');
			p++;
		} else {
			str_addc(&out, (char)tolower((unsigned char)*p++));
		}
	}
	return str_take(&out);
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word)) {
		bool left = p == text || !(isalnum((unsigned char)p[-1]) || strchr("_\"$.", p[-1]));
		bool right = !(isalnum((unsigned char)p[n]) || (p[n] && strchr("_\"", p[n])));
		if (left && right)
			return true;
	}
	return false;
}

static bool begins(const char *text, const char *const *words)
{
	size_t n = strspn(text, "( ");
	size_t len = strspn(text + n, "abcdefghijklmnopqrstuvwxyz");

	for (; *words; words++)
		if (strlen(*words) == len && !strncmp(text + n, *words, len))
			return true;
	return false;
}

static bool checks_affected(const struct step *s)
{
	for (size_t i = 0; i < s->n_expect; i++)
		if (str_eq(s->expect[i].subject, "affected"))
			return true;
	return false;
}

static void lint_sql(const struct lint *l, const struct operation *op, enum effect effect)
{
	static const char *const reads[] = { "select", "with", "show", "explain", "values",
		"table", NULL };
	static const char *const rows[] = { "insert", "update", "delete", "merge", NULL };
	static const char *const session[] = { "begin", "start", "commit", "rollback", "end", "set",
		"reset", "abort", "savepoint", "prepare", "listen", "lock", "discard", NULL };
	static const char *const destroys[] = { "drop", "truncate", NULL };
	_cleanup_(free_p) char *text = skeleton(op->text);
	bool writes_rows = begins(text, rows) || (begins(text,
							 (const char *const[]){ "with", NULL }) &&
		(has_word(text, "insert into") || has_word(text, "update") || has_word(text,
			"delete from")));
	bool no_where = (begins(text, (const char *const[]){ "delete", "update", NULL })) &&
		!has_word(text, "where");

	if (begins(text, session))
		lint_error(l, op->at, "transactions and settings are ringdown's: only "
			"statements here");
	if (has_word(text, "copy") && has_word(text, "program"))
		lint_error(l, op->at, "COPY with PROGRAM runs a command on the database's machine");
	if (effect == EFFECT_READ && (writes_rows || !begins(text, reads)))
		lint_error(l, op->at, "this statement changes something, the step is declared "
			"to read");
	bool keeps_data = str_has_prefix(text, "drop index") || str_has_prefix(text, "drop view");
	if (((begins(text, destroys) && !keeps_data) || no_where) && effect == EFFECT_CHANGE)
		lint_error(l, op->at, "%s: declare 'effect: destroy'",
			   no_where ? "every row is changed (no WHERE)" :
				"this statement destroys");
	bool own = op == &l->step->op;
	if (own && writes_rows && effect != EFFECT_READ && effect != EFFECT_UNKNOWN &&
	    !checks_affected(l->step))
		lint_error(l, op->at, "how many rows? A change of rows needs expect: "
			"{affected: N}");
	if (own && op->tx && checks_affected(l->step))
		lint_error(l, op->at, "'tx: none' cannot be rolled back: 'affected' comes too "
			"late there");
}

void lint_operation(const struct lint *l, const struct operation *op, enum effect effect)
{
	struct texts t = { l, op, effect };

	if (op->leaves_running && effect == EFFECT_READ)
		lint_error(l, op->at, "a read leaves nothing behind: 'leaves_running' is for "
			"changes");
	if (op->verb == VERB_RUN)
		lint_command(l, op, effect);
	else if (op->verb != VERB_MAX)
		operation_texts(op, credential_in, &t);
	if (op->verb == VERB_SQL)
		lint_sql(l, op, effect);
}

/* ---- numbers of the vendor ---- */
static void check_code(const struct runbook *rb, const char *digits, struct place at,
		       bool (*known)(int64_t code), struct problems *ret)
{
	int64_t code;

	if (strlen(digits) == 5 && parse_i64(digits, 10000, 99999, &code) && !known(code))
		problems_add(ret, rb->file, at, true, "%s is no error code of Twilio that is "
			"known here", digits);
}

static void codes_in(const struct runbook *rb, const char *text, struct place at,
		     bool (*known)(int64_t code), struct problems *ret)
{
	if (!strcasestr(text, "errorcode") && !strcasestr(text, "error_code"))
		return;
	for (const char *p = text; *p;) {
		size_t n = strspn(p, "0123456789");
		if (n == 5 && (p == text || p[-1] == '\'')) {
			_cleanup_(free_p) char *digits = xstrndup(p, n);
			check_code(rb, digits, at, known, ret);
		}
		p += n ? n : 1;
	}
}

void runbook_lint_codes(const struct runbook *rb, bool (*known)(int64_t code), struct problems *ret)
{
	const struct step *s;

	for (size_t t = 0; t < rb->n_tables; t++)
		for (size_t i = 0; i < rb->tables[t].rows.n_items; i++) {
			const struct value *v = value_get(&rb->tables[t].rows.items[i], "code");
			struct str digits = STR_INIT(40);
			if (v)
				value_print(&digits, v, 30);
			check_code(rb, str_get(&digits), rb->tables[t].at, known, ret);
			str_fini(&digits);
		}
	for (size_t i = 0; (s = runbook_step_at(rb, i, NULL)); i++)
		if (s->op.verb == VERB_SQL)
			codes_in(rb, s->op.text, s->op.at, known, ret);
}
