/*
 * The key table. Invariant: lower-case keys never change the outside world; the keys that
 * do are upper case and open a dialog. ^D, ^K, Del, Backspace and R are bound to nothing.
 */
#include "ui/bindings.h"

#include <string.h>

#include "core/mem.h"
#include "ui/keys.h"

static const struct binding rows[] = {
	{ ACT_DOWN, GROUP_MOVE, { 'j', KEY_DOWN }, "down", "next row" },
	{ ACT_UP, GROUP_MOVE, { 'k', KEY_UP }, "up", "previous row" },
	{ ACT_TOP, GROUP_MOVE, { KEY_HOME, 'g' }, "top", "first row (where g means gates: Home)" },
	{ ACT_BOTTOM, GROUP_MOVE, { 'G', KEY_END }, "end", "last row" },
	{ ACT_PAGE_UP, GROUP_MOVE, { KEY_PGUP }, "page up", "a page up" },
	{ ACT_PAGE_DOWN, GROUP_MOVE, { KEY_PGDN }, "page down", "a page down" },
	{ ACT_LEFT, GROUP_MOVE, { KEY_LEFT }, "left", "scroll left" },
	{ ACT_RIGHT, GROUP_MOVE, { KEY_RIGHT }, "right", "scroll right" },
	{ ACT_NEXT_PANE, GROUP_MOVE, { KEY_TAB }, "pane", "next pane or field" },
	{ ACT_PREV_PANE, GROUP_MOVE, { KEY_BACKTAB }, "pane", "previous pane or field" },
	{ ACT_OPEN, GROUP_MOVE, { KEY_ENTER }, "open", "open the row" },
	{ ACT_BACK, GROUP_MOVE, { 'q', KEY_ESC }, "back", "close what is open; q on the first view quits" },
	{ ACT_LAST_VIEW, GROUP_MOVE, { '`' }, "last", "the view before this one" },

	{ ACT_FILTER, GROUP_FIND, { '/' }, "filter", "show rows that contain a text (Esc clears)" },
	{ ACT_NEXT_MATCH, GROUP_FIND, { 'n' }, "next", "next row that matches" },
	{ ACT_PREV_MATCH, GROUP_FIND, { 'N' }, "prev", "previous row that matches" },
	{ ACT_SORT, GROUP_FIND, { 's' }, "sort", "sort by the next column" },
	{ ACT_SORT_REVERSE, GROUP_FIND, { 'S' }, "reverse", "reverse the order" },
	{ ACT_COLUMNS_LEFT, GROUP_FIND, { '<' }, "columns", "columns: towards the first" },
	{ ACT_COLUMNS_RIGHT, GROUP_FIND, { '>' }, "columns", "columns: towards the last" },
	{ ACT_HELP, GROUP_FIND, { '?', KEY_F1 }, "help", "what the keys do here" },
	{ ACT_COMMAND_LINE, GROUP_FIND, { ':' }, "cmd", "command line (Tab completes)" },

	{ ACT_REFRESH, GROUP_SHOW, { 'r', KEY_F5 }, "refresh", "ask for fresh data now" },
	{ ACT_REPAINT, GROUP_SHOW, { KEY_CTRL('l') }, "repaint", "paint the whole screen anew" },
	{ ACT_FREEZE, GROUP_SHOW, { 'z' }, "freeze", "hold the picture still; z again goes on" },
	{ ACT_SHOW_COMMAND, GROUP_SHOW, { 'c' }, "command", "the command line for this row or view" },
	{ ACT_COPY, GROUP_SHOW, { 'y' }, "copy", "copy id, row, command or link (OSC 52)" },
	{ ACT_PLAIN, GROUP_SHOW, { 'Y' }, "plain", "the view as plain lines on the normal screen" },
	{ ACT_WRITE, GROUP_SHOW, { 'w' }, "write", "write the view to a file, mode 0600" },
	{ ACT_UNREAD, GROUP_SHOW, { '!' }, "unread", "what came in since you looked" },

	{ ACT_ACK, GROUP_PEOPLE, { 'a' }, "ack", "acknowledge: stops paging, changes nothing else",
	  .action = "ack" },
	{ ACT_MENU, GROUP_PEOPLE, { '.' }, "more", "every action for this row, with why it is not possible" },

	{ ACT_APPROVE, GROUP_CHANGE, { 'A' }, "approve", "approve the failover now", .action = "approve" },
	{ ACT_REJECT, GROUP_CHANGE, { 'X' }, "reject", "reject it", .action = "reject" },
	{ ACT_EXTEND, GROUP_CHANGE, { 'E' }, "extend", "extend the window", .action = "extend" },
	{ ACT_ROLLBACK, GROUP_CHANGE, { 'U' }, "roll back", "undo: roll the failover back",
	  .action = "rollback" },
	{ ACT_START, GROUP_CHANGE, { 'F' }, "failover", "start a failover by hand", .action = "start" },
	{ ACT_AUTOMATION, GROUP_CHANGE, { 'P' }, "auto", "automation off or on", .action = "pause" },

	{ ACT_GATES, GROUP_HERE, { 'g' }, "gates", "every gate with its sentence", "events overview" },
	{ ACT_PLAN, GROUP_HERE, { 'p' }, "plan", "the plan, agent by agent", "events overview" },
	{ ACT_CHECK, GROUP_HERE, { 'h' }, "check now", "run a health check of the account now", "accounts" },
	{ ACT_SOURCE, GROUP_HERE, { 'o' }, "source", "other source of messages", "sms" },
	{ ACT_REVEAL, GROUP_HERE, { 'v' }, "content", "show message content (audited)", "sms" },

	{ ACT_QUIT, GROUP_HERE, { KEY_CTRL('c') }, "quit", "closes a dialog as No, else quits" },
	{ ACT_SUSPEND, GROUP_HERE, { KEY_CTRL('z') }, "suspend", "to the shell; fg comes back" },
};

static const char *const group_titles[GROUP_COUNT] = {
	[GROUP_MOVE] = "move", [GROUP_FIND] = "find",	  [GROUP_SHOW] = "show",
	[GROUP_PEOPLE] = "people", [GROUP_CHANGE] = "change", [GROUP_HERE] = "here",
};

const struct binding *binding_rows(size_t *ret_n)
{
	*ret_n = COUNT_OF(rows);
	return rows;
}

const struct binding *binding_of(enum act act)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].act == act)
			return &rows[i];
	return NULL;
}

static bool word_in(const char *words, const char *word)
{
	size_t n = word ? strlen(word) : 0;

	for (const char *p = words; n && (p = strstr(p, word)); p++)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

enum act binding_find(uint32_t key, const char *view)
{
	enum act found = ACT_NONE;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t k = 0; k < COUNT_OF(rows[i].keys) && rows[i].keys[k]; k++) {
			if (rows[i].keys[k] != key)
				continue;
			/* a view's own meaning wins over the general one */
			if (rows[i].views && word_in(rows[i].views, view))
				return rows[i].act;
			if (!rows[i].views)
				found = rows[i].act;
		}
	return found;
}

const char *group_title(enum act_group g)
{
	return group_titles[g];
}

void bindings_manual(struct str *out)
{
	char buf[16];
	int group = -1;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if ((int)rows[i].group != group) {
			if (group >= 0)
				str_add(out, ".El\n");
			group = (int)rows[i].group;
			str_addf(out, ".Ss %s\n.Bl -tag -width PgDn\n", group_titles[group]);
		}
		str_add(out, ".It");
		for (size_t k = 0; k < COUNT_OF(rows[i].keys) && rows[i].keys[k]; k++)
			str_addf(out, " Ic %s%s", rows[i].keys[k] == '.' ? "\\&" : "",
				 key_name(rows[i].keys[k], buf));
		str_addf(out, "\n%s%s%s%s\n", rows[i].help, rows[i].views ? " (" : "",
			 rows[i].views ? rows[i].views : "", rows[i].views ? ")" : "");
	}
	str_add(out, ".El\n");
}
