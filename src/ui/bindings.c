/*
 * The key table. Invariant: lower-case keys never change the outside world; the keys that
 * do are upper case and open a dialog. ^D, ^K, Del, Backspace and R are bound to nothing.
 */
#include "ui/bindings.h"

#include <string.h>

#include "core/mem.h"
#include "ui/keys.h"

#define K(...)                                                                                     \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define ROW(act_, group_, keys_, word_, help_, views_, action_)                                    \
	{                                                                                          \
		.act = ACT_##act_, .group = GROUP_##group_, .keys = keys_, .word = word_,          \
		.help = help_, .views = views_, .action = action_                                  \
	}

static const struct binding rows[] = {
	ROW(DOWN, MOVE, K('j', KEY_DOWN), "down", "next row", NULL, NULL),
	ROW(UP, MOVE, K('k', KEY_UP), "up", "previous row", NULL, NULL),
	ROW(TOP, MOVE, K(KEY_HOME, 'g'), "top", "first row (where g means gates: Home)", NULL,
	    NULL),
	ROW(BOTTOM, MOVE, K('G', KEY_END), "end", "last row", NULL, NULL),
	ROW(PAGE_UP, MOVE, K(KEY_PGUP), "page up", "a page up", NULL, NULL),
	ROW(PAGE_DOWN, MOVE, K(KEY_PGDN), "page down", "a page down", NULL, NULL),
	ROW(LEFT, MOVE, K(KEY_LEFT), "left", "scroll left", NULL, NULL),
	ROW(RIGHT, MOVE, K(KEY_RIGHT), "right", "scroll right", NULL, NULL),
	ROW(NEXT_PANE, MOVE, K(KEY_TAB), "pane", "next pane or field", NULL, NULL),
	ROW(PREV_PANE, MOVE, K(KEY_BACKTAB), "pane", "previous pane or field", NULL, NULL),
	ROW(OPEN, MOVE, K(KEY_ENTER), "open", "open the row", NULL, NULL),
	ROW(BACK, MOVE, K('q', KEY_ESC), "back", "close what is open; q on the first view quits",
	    NULL, NULL),
	ROW(LAST_VIEW, MOVE, K('`'), "last", "the view before this one", NULL, NULL),

	ROW(FILTER, FIND, K('/'), "filter", "show rows that contain a text (Esc clears)", NULL,
	    NULL),
	ROW(NEXT_MATCH, FIND, K('n'), "next", "next row that matches", NULL, NULL),
	ROW(PREV_MATCH, FIND, K('N'), "prev", "previous row that matches", NULL, NULL),
	ROW(SORT, FIND, K('s'), "sort", "sort by the next column", NULL, NULL),
	ROW(SORT_REVERSE, FIND, K('S'), "reverse", "reverse the order", NULL, NULL),
	ROW(COLUMNS_LEFT, FIND, K('<'), "columns", "columns: towards the first", NULL, NULL),
	ROW(COLUMNS_RIGHT, FIND, K('>'), "columns", "columns: towards the last", NULL, NULL),
	ROW(HELP, FIND, K('?', KEY_F1), "help", "what the keys do here", NULL, NULL),
	ROW(COMMAND_LINE, FIND, K(':'), "cmd", "command line (Tab completes)", NULL, NULL),

	ROW(REFRESH, SHOW, K('r', KEY_F5), "refresh", "ask for fresh data now", NULL, NULL),
	ROW(REPAINT, SHOW, K(KEY_CTRL('l')), "repaint", "paint the whole screen anew", NULL, NULL),
	ROW(FREEZE, SHOW, K('z'), "freeze", "hold the picture still; z again goes on", NULL, NULL),
	ROW(SHOW_COMMAND, SHOW, K('c'), "command", "the command line for this row or view", NULL,
	    NULL),
	ROW(COPY, SHOW, K('y'), "copy", "copy id, row, command or link (OSC 52)", NULL, NULL),
	ROW(PLAIN, SHOW, K('Y'), "plain", "the view as plain lines on the normal screen", NULL,
	    NULL),
	ROW(WRITE, SHOW, K('w'), "write", "write the view to a file, mode 0600", NULL, NULL),
	ROW(UNREAD, SHOW, K('!'), "unread", "what came in since you looked", NULL, NULL),

	ROW(ACK, PEOPLE, K('a'), "ack", "acknowledge: stops paging, changes nothing else", NULL,
	    "ack"),
	ROW(RUNBOOK, PEOPLE, K('b'), "runbook", "the runbook that fits this row", NULL, "runbook"),
	ROW(NOTE_RUN, PEOPLE, K('t'), "note", "a note for everybody who reads this run", "walk",
	    "run-note"),
	ROW(NOTE, PEOPLE, K('t'), "note", "write a note, with its incident and when it was", NULL,
	    "note"),
	ROW(DECLARE, PEOPLE, K('D'), "declare", "declare an incident: then 0-3", NULL, "declare"),
	ROW(REPLAY, PEOPLE, K('T'), "replay", "the console as it was, at any past instant", NULL,
	    "replay"),
	ROW(MENU, PEOPLE, K('.'), "more", "every action for this row, with why it is not possible",
	    NULL, NULL),

	ROW(APPROVE, CHANGE, K('A'), "approve", "approve the failover now", NULL, "approve"),
	ROW(REJECT, CHANGE, K('X'), "reject", "reject it", NULL, "reject"),
	ROW(EXTEND, CHANGE, K('E'), "extend", "extend the window", NULL, "extend"),
	ROW(ROLLBACK, CHANGE, K('U'), "undo", "undo: roll the failover back; in a run: the last"
					      " change", NULL, "rollback"),
	ROW(START, CHANGE, K('F'), "failover", "start a failover by hand", NULL, "start"),
	ROW(AUTOMATION, CHANGE, K('P'), "auto", "automation off or on", NULL, "pause"),

	ROW(GATES, HERE, K('g'), "gates", "every gate with its sentence", "events overview", NULL),
	ROW(PLAN, HERE, K('p'), "plan", "the plan, agent by agent", "events overview", NULL),
	ROW(PLAN_RUN, HERE, K('p'), "params", "parameters, undo stack, holds, notes of the run",
	    "walk", NULL),
	ROW(CHECK, HERE, K('h'), "check now", "run a health check of the account now", "accounts",
	    NULL),
	ROW(TIMELINE, HERE, K('l'), "timeline", "its timeline", "incident incidents report", NULL),
	ROW(ALERTS, HERE, K('l'), "alerts", "the list of alerts", "overview engine", NULL),
	ROW(MESSAGES, HERE, K('m'), "messages", "messages as they would be sent; vendor packs",
	    "incident incidents", NULL),
	ROW(REPORT, HERE, K('p'), "report", "its report (the post-mortem): sections, action items",
	    "incident incidents", NULL),
	ROW(EDIT_TEXT, HERE, K('e'), "edit", "write the section under the cursor", "report",
	    "report-edit"),
	ROW(ADD_ITEM, HERE, K('i'), "item", "an action item: what, who, until when", "report",
	    "report-item"),
	ROW(REVIEW, HERE, K('m'), "review", "the report's next step on its way through the review",
	    "report", "report-state"),
	ROW(EXPORT, HERE, K('w'), "export", "the report into a file: Markdown, HTML, JSON, CSV",
	    "report", "report-export"),
	ROW(DID, HERE, K('d'), "done", "it was done: when, and what to keep of it", "practices",
	    "practice-done"),
	ROW(MOVE_DATE, HERE, K('m'), "date", "move its next date, or take that back", "practices",
	    "practice-due"),
	ROW(HANDOVER, HERE, K('h'), "hand-over", "what the next shift must know, on one screen",
	    "incident incidents", NULL),
	ROW(SEEK, HERE, K('@'), "go to", "go to an instant: 10:51, -2h, 2026-11-21T10:51:00Z",
	    "timeline", NULL),
	ROW(NOISE, HERE, K('v'), "noise", "the system's own small steps: shown or hidden",
	    "timeline", NULL),
	ROW(LANE, HERE, K('o'), "lane", "the next lane alone; then what is pinned, then all",
	    "timeline", NULL),
	ROW(SCOPE, HERE, K('i'), "scope", "only the incident, or everything", "timeline", NULL),
	ROW(PIN, HERE, K('p'), "pin", "pin the entry, or take the pin off", "timeline", NULL),
	ROW(ANNOTATE, HERE, K('e'), "edit", "a note: change it; anything else: words beside it",
	    "timeline incident", NULL),
	ROW(RETRACT, HERE, K('x'), "take back", "take a note back, or bring it back (v shows it)",
	    "timeline incident", "note-retract"),
	ROW(HIDE, HERE, K('h'), "hide", "hide the entry here and in the report, or show it again",
	    "timeline", NULL),
	ROW(SOURCE, HERE, K('o'), "source", "other source of messages", "sms", NULL),
	ROW(REVEAL, HERE, K('v'), "content", "show message content (audited)", "sms", NULL),

	ROW(QUIT, HERE, K(KEY_CTRL('c')), "quit", "closes a dialog as No, else quits", NULL, NULL),
	ROW(SUSPEND, HERE, K(KEY_CTRL('z')), "suspend", "to the shell; fg comes back", NULL, NULL),
};

static const char *const group_titles[GROUP_COUNT] = {
	[GROUP_MOVE] = "move",     [GROUP_FIND] = "find",     [GROUP_SHOW] = "show",
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
			group = (int)rows[i].group;
			str_addf(out, ".SS %s\n", group_titles[group]);
		}
		str_add(out, ".TP\n.B");
		for (size_t k = 0; k < COUNT_OF(rows[i].keys) && rows[i].keys[k]; k++)
			str_addf(out, " \"\\&%s\"", key_name(rows[i].keys[k], buf));
		str_addf(out, "\n%s%s%s%s\n", rows[i].help, rows[i].views ? " (" : "",
		         rows[i].views ? rows[i].views : "", rows[i].views ? ")" : "");
	}
}
