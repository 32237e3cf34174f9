/*
 * The key decoder: a byte-wise state machine. Invariant: a byte that belongs to an escape
 * sequence, a reply of the terminal, a mouse report or a paste is never handed out as a
 * key, wherever the link splits it. What keys mean is bindings.c's.
 */
#include "ui/keys.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"

enum state {
	ST_GROUND, /* plain bytes */
	ST_ESC,    /* ESC came, less than KEYS_ESC_MS ago */
	ST_LATE,   /* a lone ESC acted; its sequence may still arrive */
	ST_CSI,    /* ESC [ ... until a final byte */
	ST_SS3,    /* ESC O, one more byte */
	ST_STRING, /* ESC ] P X ^ _ ... until BEL or ST */
	ST_MOUSE,  /* three bytes of an X10 mouse report */
	ST_PASTE,  /* until ESC [ 2 0 1 ~ */
};
#define STRING_QUIET_MS 1000

static const char paste_end[] = "\033[201~";

void keys_init(struct keys *k, const struct keys_events *on, void *ctx)
{
	*k = (struct keys){ .on = on, .ctx = ctx, .state = ST_GROUND };
}

void keys_reset(struct keys *k)
{
	keys_init(k, k->on, k->ctx);
}

bool keys_pasting(const struct keys *k)
{
	return k->state == ST_PASTE;
}

static void emit(struct keys *k, uint32_t key)
{
	if (key != KEY_NONE)
		k->on->key(k->ctx, key, k->batch);
}

static uint32_t final_key(unsigned char c)
{
	switch (c) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return KEY_RIGHT;
	case 'D':
		return KEY_LEFT;
	case 'H':
		return KEY_HOME;
	case 'F':
		return KEY_END;
	case 'M':
		return KEY_ENTER;
	case 'Z':
		return KEY_BACKTAB;
	case 'P':
		return KEY_F1;
	case 'Q':
		return KEY_F1 + 1;
	case 'R':
		return KEY_F1 + 2;
	case 'S':
		return KEY_F1 + 3;
	default:
		return KEY_NONE;
	}
}

static uint32_t tilde_key(const unsigned char *seq, size_t n)
{
	static const struct {
		int n;
		uint32_t key;
	} keys[] = {
		{ 1, KEY_HOME },    { 2, KEY_INSERT },  { 3, KEY_DELETE },   { 4, KEY_END },
		{ 5, KEY_PGUP },    { 6, KEY_PGDN },    { 7, KEY_HOME },     { 8, KEY_END },
		{ 11, KEY_F1 },     { 12, KEY_F1 + 1 }, { 13, KEY_F1 + 2 },  { 14, KEY_F1 + 3 },
		{ 15, KEY_F5 },     { 17, KEY_F1 + 5 }, { 18, KEY_F1 + 6 },  { 19, KEY_F1 + 7 },
		{ 20, KEY_F1 + 8 }, { 21, KEY_F1 + 9 }, { 23, KEY_F1 + 10 }, { 24, KEY_F12 },
	};
	int v = 0;

	for (size_t i = 0; i < n && seq[i] >= '0' && seq[i] <= '9' && v < 1000; i++)
		v = v * 10 + (seq[i] - '0');
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (keys[i].n == v)
			return keys[i].key;
	return KEY_NONE;
}

static bool seq_is(const struct keys *k, const char *s)
{
	return k->n_seq == strlen(s) && !memcmp(k->seq, s, k->n_seq);
}

static void csi_done(struct keys *k, unsigned char c)
{
	bool odd = k->n_seq && (k->seq[0] < '0' || k->seq[0] > '9');

	k->state = ST_GROUND;
	if (c == '~' && seq_is(k, "200")) { /* also when its ESC came early: still a paste */
		k->state = ST_PASTE;
		k->n_paste_tail = 0;
		k->paste_esc = ST_GROUND;
		return;
	}
	if (c == 'M' && !k->n_seq) { /* X10 mouse, or Enter of an old keypad: bytes decide */
		k->state = ST_MOUSE;
		k->skip = 3;
		return;
	}
	if (k->swallow || odd)
		return;
	/* a cursor position report has the shape of F3 with modifiers; we never ask for one */
	if (c == 'R' && k->n_seq)
		return;
	emit(k, c == '~' ? tilde_key(k->seq, k->n_seq) : final_key(c));
}

static void csi_byte(struct keys *k, unsigned char c)
{
	if (c == 0x1b) {
		k->state = ST_ESC;
		k->swallow = false;
		k->esc_at_ms = k->last_ms;
	} else if (c == 0x18 || c == 0x1a) {
		k->state = ST_GROUND; /* CAN, SUB end a sequence by the book */
	} else if (c == '[' && !k->n_seq) {
		k->seq[k->n_seq++] = c; /* Linux console: ESC [ [ A is F1 */
	} else if (k->n_seq == 1 && k->seq[0] == '[') {
		k->state = ST_GROUND;
		if (!k->swallow && c >= 'A' && c <= 'E')
			emit(k, KEY_F1 + (c - 'A'));
	} else if (c >= 0x40 && c <= 0x7e) {
		csi_done(k, c);
	} else if (k->n_seq < sizeof(k->seq)) {
		k->seq[k->n_seq++] = c;
	}
}

static void plain_byte(struct keys *k, unsigned char c)
{
	uint32_t cp = 0;

	if (k->n_utf8) {
		if ((c & 0xc0) == 0x80) {
			k->utf8[k->n_utf8++] = c;
			if (k->n_utf8 < k->want_utf8)
				return;
			cp = k->utf8[0] & (0xffu >> (k->want_utf8 + 1));
			for (size_t i = 1; i < k->n_utf8; i++)
				cp = cp << 6 | (k->utf8[i] & 0x3fu);
			k->n_utf8 = 0;
			if (cp >= 0xa0 && cp < 0x110000 && !(cp >= 0xd800 && cp < 0xe000))
				emit(k, cp);
			return;
		}
		k->n_utf8 = 0; /* broken: drop it, look at this byte afresh */
	}
	if (c >= 0xc2 && c < 0xf5) {
		k->want_utf8 = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
		k->utf8[0] = c;
		k->n_utf8 = 1;
	} else if (c < 0x80) {
		emit(k, c == 0x0a ? KEY_ENTER : c == 0x08 ? KEY_BACKSPACE : c);
	}
}

static void esc_byte(struct keys *k, unsigned char c)
{
	k->n_seq = 0;
	if (c == '[') {
		k->state = ST_CSI;
	} else if (c == 'O') {
		k->state = ST_SS3;
	} else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_') {
		k->state = ST_STRING;
	} else if (c == 0x1b) {
		emit(k, KEY_ESC); /* the first was a lone one */
		k->state = ST_ESC;
		k->esc_at_ms = k->last_ms;
	} else {
		k->state = ST_GROUND; /* Alt and a key: bound to nothing, so it does nothing */
	}
}

/* Hands over what has come, but for a character whose rest is still to come. */
static void paste_flush(struct keys *k, bool all)
{
	size_t n = k->n_paste, back = 0;

	while (!all && back < 3 && back < n && (k->paste[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (!all && back < n && (unsigned char)k->paste[n - 1 - back] >= 0xc0) {
		unsigned char lead = (unsigned char)k->paste[n - 1 - back];
		size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

		if (back + 1 < want)
			n -= back + 1;
	}
	if (n)
		k->on->paste(k->ctx, k->paste, n);
	if (n && n < k->n_paste)
		memmove(k->paste, k->paste + n, k->n_paste - n);
	k->n_paste -= n;
}

/* Whether a byte belongs to an escape sequence of what was copied from a terminal: colours are
 * no words. A string that nobody ends is over at the end of its line. */
static bool paste_sequence(struct keys *k, unsigned char c)
{
	int was = k->paste_esc;

	if (was == ST_GROUND && c != 0x1b)
		return false;
	if (c == 0x1b) {
		k->paste_esc = ST_ESC;
		return true;
	}
	k->paste_esc = ST_GROUND;
	switch (was) {
	case ST_ESC:
		if (c == '[')
			k->paste_esc = ST_CSI;
		else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
			k->paste_esc = ST_STRING;
		else if (c >= 0x20 && c < 0x30)
			k->paste_esc = ST_ESC;
		return c >= 0x20 && c < 0x7f;
	case ST_CSI:
		if (c >= 0x20 && c < 0x40)
			k->paste_esc = ST_CSI;
		return c >= 0x20 && c < 0x7f;
	default: /* ST_STRING; its ESC \ ends it as ST_ESC */
		if (c != 0x07 && c != '\n' && c != '\r')
			k->paste_esc = ST_STRING;
		return c != '\n' && c != '\r';
	}
}

static void paste_byte(struct keys *k, char c)
{
	k->paste_tail[k->n_paste_tail++] = c;
	while (k->n_paste_tail && memcmp(k->paste_tail, paste_end, k->n_paste_tail)) {
		if (k->n_paste == sizeof(k->paste))
			paste_flush(k, false);
		if (!paste_sequence(k, (unsigned char)k->paste_tail[0]))
			k->paste[k->n_paste++] = k->paste_tail[0];
		memmove(k->paste_tail, k->paste_tail + 1, --k->n_paste_tail);
	}
	if (k->n_paste_tail == sizeof(paste_end) - 1) {
		k->state = ST_GROUND;
		k->n_paste_tail = 0;
		paste_flush(k, true);
	}
}

static void late_byte(struct keys *k, unsigned char c)
{
	k->state = ST_GROUND;
	k->n_seq = 0;
	k->swallow = true;
	if (k->last_ms - k->esc_at_ms <= KEYS_LATE_MS) {
		if (c == '[') {
			k->state = ST_CSI;
			return;
		}
		if (c == 'O') {
			k->state = ST_SS3;
			return;
		}
	}
	k->swallow = false;
	if (c == 0x1b) {
		k->state = ST_ESC;
		k->esc_at_ms = k->last_ms;
	} else {
		plain_byte(k, c);
	}
}

static void string_byte(struct keys *k, unsigned char c, unsigned char before)
{
	if (c == 0x07 || (c == '\\' && before == 0x1b))
		k->state = ST_GROUND;
}

static void feed_byte(struct keys *k, unsigned char c)
{
	switch ((enum state)k->state) {
	case ST_GROUND:
		if (c == 0x1b) {
			k->state = ST_ESC;
			k->swallow = false;
			k->n_utf8 = 0;
			k->esc_at_ms = k->last_ms;
		} else {
			plain_byte(k, c);
		}
		break;
	case ST_ESC:
		esc_byte(k, c);
		break;
	case ST_LATE:
		late_byte(k, c);
		break;
	case ST_CSI:
		csi_byte(k, c);
		break;
	case ST_SS3:
		k->state = ST_GROUND;
		if (c == 0x1b) {
			k->state = ST_ESC;
			k->esc_at_ms = k->last_ms;
		} else if (!k->swallow) {
			emit(k, final_key(c));
		}
		break;
	case ST_STRING:
		string_byte(k, c, k->seq[0]);
		k->seq[0] = c;
		break;
	case ST_MOUSE:
		if (--k->skip == 0)
			k->state = ST_GROUND;
		break;
	case ST_PASTE:
		paste_byte(k, (char)c);
		break;
	}
}

void keys_feed(struct keys *k, const void *bytes, size_t n, int64_t now_ms)
{
	const unsigned char *p = bytes;

	k->batch++;
	keys_timeout(k, now_ms);
	k->last_ms = now_ms;
	/* a paste whose end got lost: ^C typed alone gets the keyboard back */
	if (k->state == ST_PASTE && n == 1 && p[0] == 0x03) {
		k->state = ST_GROUND;
		k->n_paste_tail = k->n_paste = 0;
		return;
	}
	for (size_t i = 0; i < n; i++)
		feed_byte(k, p[i]);
	paste_flush(k, false);
}

int64_t keys_wake_ms(const struct keys *k)
{
	if (k->state == ST_ESC)
		return k->esc_at_ms + KEYS_ESC_MS;
	return k->state == ST_STRING ? k->last_ms + STRING_QUIET_MS : -1;
}

void keys_timeout(struct keys *k, int64_t now_ms)
{
	if (k->state == ST_ESC && now_ms - k->esc_at_ms >= KEYS_ESC_MS) {
		k->state = ST_LATE;
		k->batch++;
		emit(k, KEY_ESC);
	} else if (k->state == ST_STRING && now_ms - k->last_ms >= STRING_QUIET_MS) {
		k->state = ST_GROUND;
	}
}

const char *key_name(uint32_t key, char buf[16])
{
	static const char *const names[] = { "Up",   "Down", "Left", "Right", "Home", "End",
		                             "PgUp", "PgDn", "Ins",  "Del",   "S-Tab" };

	if (key >= KEY_F1 && key <= KEY_F12)
		snprintf(buf, 16, "F%u", (unsigned)(key - KEY_F1 + 1));
	else if (key >= KEY_UP && key <= KEY_BACKTAB)
		snprintf(buf, 16, "%s", names[key - KEY_UP]);
	else if (key == KEY_TAB)
		return "Tab";
	else if (key == KEY_ENTER)
		return "Enter";
	else if (key == KEY_ESC)
		return "Esc";
	else if (key == KEY_SPACE)
		return "Space";
	else if (key == KEY_BACKSPACE)
		return "Backspace";
	else if (key < 0x20)
		snprintf(buf, 16, "^%c", (int)(key + 0x40));
	else if (key < 0x7f)
		snprintf(buf, 16, "%c", (int)key);
	else
		return "?";
	return buf;
}
