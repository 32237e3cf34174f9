/* The shell's own state, shared by shell.c, shell_frame.c, shell_keys.c, shell_out.c. */
#ifndef RD_UI_SHELL_PRIV_H
#define RD_UI_SHELL_PRIV_H

#include "ui/field.h"
#include "ui/keys.h"
#include "ui/shell.h"

#define SHELL_VIEWS 24
#define SHELL_ALARMS 64

enum prompt { PROMPT_NONE, PROMPT_COMMAND, PROMPT_FILTER, PROMPT_ASK };

struct shell {
	struct loop *loop;
	struct shell_app app;
	struct term *term;	/* NULL = headless */
	struct keys keys;
	struct timer esc_timer, tick_timer, paint_timer;
	struct theme theme;
	char theme_dir[256], quit_note[160];
	bool utc, bell_on;
	struct cells cells;
	struct header header;
	struct view views[SHELL_VIEWS];
	size_t n_views;
	size_t front, last;
	bool frozen, dirty, stale_rows, urgent, deferred, started, plain, over, freed, by_esc;
	int64_t painted_ms, data_painted_ms, belled_ms;
	struct dialog dialog;
	struct sheet sheet;
	struct form form;
	enum prompt prompt;
	struct field_edit field;
	char ask_label[48];
	void (*ask_done)(void *ctx, const char *text);
	void *ask_ctx;
	char history[16][128];
	int n_history, history_at;
	size_t complete_i;	/* Tab again: the next one */
	char complete_stem[128];
	char message[240];
	enum role message_role;
	uint64_t alarms[SHELL_ALARMS];
	size_t n_alarms;
	char looking_at[64];
	bool told_dialog;
};

/* shell_frame.c */
void shell_compose(struct shell *s);
/* shell.c: rows follow the data before anything looks at them. */
void shell_catch_up(struct shell *s);
/* shell_keys.c */
extern const struct keys_events shell_keys_events;
void shell_do(struct shell *s, enum act act);
void shell_command(struct shell *s, const char *line);
void shell_help(struct shell *s);
void shell_quit(struct shell *s);
/* shell_out.c */
void shell_copy_menu(struct shell *s);
void shell_plain(struct shell *s);
void shell_write(struct shell *s, const char *path);
void shell_show_command(struct shell *s);
/* The view as lines of text. */
void shell_view_text(struct shell *s, struct str *out);
bool shell_subject(struct shell *s, struct subject *ret);

#endif
