/*
 * Bytes from the terminal -> keys and pasted text. Never curses' getch: on a slow link
 * ESC arrives apart from its sequence, and the final bytes of sequences are letters
 * that mean something here (P R F A).
 *
 * A lone ESC counts after KEYS_ESC_MS; a '[' or 'O' that comes within KEYS_LATE_MS of it,
 * and what completes it, is swallowed. A sequence that has begun is waited for without
 * end. Pasted text (bracketed) is handed over apart from keys.
 */
#ifndef RD_UI_KEYS_H
#define RD_UI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYS_ESC_MS 25
#define KEYS_LATE_MS 1000

/* A key is a code point, a control byte (KEY_CTRL('c')), or one of these. */
#define KEY_CTRL(c) ((uint32_t)((c) & 0x1f))
enum {
	KEY_TAB = 0x09,
	KEY_ENTER = 0x0d,
	KEY_ESC = 0x1b,
	KEY_SPACE = ' ',
	KEY_BACKSPACE = 0x7f,
	KEY_FIRST_ = 0x110000,
	KEY_UP = KEY_FIRST_,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_HOME,
	KEY_END,
	KEY_PGUP,
	KEY_PGDN,
	KEY_INSERT,
	KEY_DELETE,
	KEY_BACKTAB,
	KEY_F1,		/* ..F12 follow */
	KEY_F5 = KEY_F1 + 4,
	KEY_F12 = KEY_F1 + 11,
	KEY_NONE,
};

struct keys_events {
	/* batch counts reads: keys of one batch arrived together (type-ahead) */
	void (*key)(void *ctx, uint32_t key, uint32_t batch);
	/* text of a paste, in pieces without escape sequences; none ends within a character */
	void (*paste)(void *ctx, const char *text, size_t n);
};

struct keys {
	const struct keys_events *on;
	void *ctx;
	int state;
	bool swallow;		/* the sequence under way belongs to an ESC that already acted */
	int64_t esc_at_ms;	/* when the ESC of KEYS_LATE_MS came */
	int64_t last_ms;
	uint32_t batch;
	unsigned char seq[32];	/* parameters of the sequence under way */
	size_t n_seq;
	int skip;		/* bytes of an old mouse report still to come */
	unsigned char utf8[4];
	size_t n_utf8, want_utf8;
	char paste_tail[6];	/* what may be the start of the end of a paste */
	size_t n_paste_tail;
	int paste_esc;		/* within an escape sequence of the pasted text, which is dropped */
	char paste[1024];	/* of this piece */
	size_t n_paste;
};

void keys_init(struct keys *k, const struct keys_events *on, void *ctx);
void keys_feed(struct keys *k, const void *bytes, size_t n, int64_t now_ms);
/* When keys_timeout wants to be called (loop clock), -1 = not. */
int64_t keys_wake_ms(const struct keys *k);
void keys_timeout(struct keys *k, int64_t now_ms);
bool keys_pasting(const struct keys *k);
/* Suspend, normal screen: forget what was under way. */
void keys_reset(struct keys *k);

/* "Enter", "Esc", "^L", "F1", "PgDn", "A" for footer, help and manual. */
const char *key_name(uint32_t key, char buf[16]);

#endif
