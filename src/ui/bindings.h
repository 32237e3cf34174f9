/*
 * Keys: one table drives what a key does, the footer, the help screen and the manual.
 * A view lists the acts it offers; help text lives in the row and nowhere else.
 */
#ifndef RD_UI_BINDINGS_H
#define RD_UI_BINDINGS_H

#include <stddef.h>
#include <stdint.h>
#include "core/str.h"

enum act_group { GROUP_MOVE, GROUP_FIND, GROUP_SHOW, GROUP_PEOPLE, GROUP_CHANGE, GROUP_HERE,
		 GROUP_COUNT };

enum act {
	ACT_NONE,
	ACT_DOWN, ACT_UP, ACT_TOP, ACT_BOTTOM, ACT_PAGE_UP, ACT_PAGE_DOWN, ACT_LEFT, ACT_RIGHT,
	ACT_NEXT_PANE, ACT_PREV_PANE, ACT_OPEN, ACT_BACK, ACT_LAST_VIEW,
	ACT_FILTER, ACT_NEXT_MATCH, ACT_PREV_MATCH, ACT_SORT, ACT_SORT_REVERSE, ACT_COLUMNS_LEFT,
	ACT_COLUMNS_RIGHT, ACT_HELP, ACT_COMMAND_LINE,
	ACT_REFRESH, ACT_REPAINT, ACT_FREEZE, ACT_SHOW_COMMAND, ACT_COPY, ACT_PLAIN, ACT_WRITE,
	ACT_UNREAD,
	ACT_ACK, ACT_NOTE, ACT_NOTE_RUN, ACT_DECLARE, ACT_TIMELINE, ACT_HANDOVER, ACT_REPLAY,
	ACT_RUNBOOK, ACT_MENU,
	ACT_APPROVE, ACT_REJECT, ACT_EXTEND, ACT_ROLLBACK, ACT_START, ACT_AUTOMATION,
	ACT_GATES, ACT_PLAN, ACT_PLAN_RUN, ACT_CHECK, ACT_SOURCE, ACT_REVEAL,
	ACT_SEEK, ACT_NOISE, ACT_LANE, ACT_SCOPE, ACT_PIN, ACT_ANNOTATE, ACT_RETRACT, ACT_HIDE,
	ACT_ALERTS, ACT_MESSAGES, ACT_REPORT, ACT_EDIT_TEXT, ACT_ADD_ITEM, ACT_REVIEW, ACT_EXPORT,
	ACT_DID,
	ACT_MOVE_DATE,
	ACT_QUIT, ACT_SUSPEND,
	ACT_COUNT
};

struct binding {
	enum act act;
	enum act_group group;
	uint32_t keys[4];	/* 0 ends */
	const char *word;	/* footer */
	const char *help;
	const char *views;	/* "events accounts": only there; NULL = everywhere */
	/* change keys: the name of the action that it opens (model/actions), else NULL */
	const char *action;
};

const struct binding *binding_rows(size_t *ret_n);
const struct binding *binding_of(enum act act);
/* What key does in the view of that name; ACT_NONE = nothing. Views 1-9,0 are not here. */
enum act binding_find(uint32_t key, const char *view);
const char *group_title(enum act_group g);
/* The table as man(7) source: .SS for each group, .TP for each row. */
void bindings_manual(struct str *out);

#endif
