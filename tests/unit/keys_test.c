/* The key decoder: every sequence split at every byte, lone ESC, late tails, pastes, noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/str.h"
#include "ui/bindings.h"
#include "ui/keys.h"

struct seen {
	struct str keys;	/* names, space after each */
	struct str pasted;
};

static void on_key(void *ctx, uint32_t key, uint32_t batch)
{
	struct seen *s = ctx;
	char buf[16];

	(void)batch;
	str_addf(&s->keys, "%s ", key_name(key, buf));
}

static void on_paste(void *ctx, const char *text, size_t n)
{
	str_addn(&((struct seen *)ctx)->pasted, text, n);
}

static const struct keys_events events = { .key = on_key, .paste = on_paste };

static struct seen seen_new(void)
{
	return (struct seen){ .keys = STR_INIT(1 << 20), .pasted = STR_INIT(1 << 20) };
}

static void seen_fini(struct seen *s)
{
	str_fini(&s->keys);
	str_fini(&s->pasted);
}

static const struct {
	const char *bytes, *keys;
} whole[] = {
	{ "jk", "j k " },
	{ "\033[A", "Up " },
	{ "\033OA", "Up " },
	{ "\033[B\033[C\033[D", "Down Right Left " },
	{ "\033[5~\033[6~", "PgUp PgDn " },
	{ "\033[1;5A", "Up " },
	{ "\033OP", "F1 " },
	{ "\033[15~", "F5 " },
	{ "\033[[A", "F1 " },
	{ "\033[Z", "S-Tab " },
	{ "\r", "Enter " },
	{ "\177", "Backspace " },
	{ "\033[<0;10;10M\033[<0;10;10m", "" },	/* SGR mouse */
	{ "\033[M !!", "" },				/* X10 mouse */
	{ "\033]11;rgb:0000/0000/0000\007", "" },
	{ "\033]52;c;QQ==\033\\", "" },
	{ "\033P1$r0m\033\\", "" },
	{ "\033[?1;2c", "" },
	{ "\033[24;80R", "" },				/* cursor report, not F3 */
	{ "\033[3~", "Del " },
	{ "\xc3\xbc", "? " },
};

static void test_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(whole); i++) {
		struct seen s = seen_new();
		struct keys k;
		keys_init(&k, &events, &s);
		keys_feed(&k, whole[i].bytes, strlen(whole[i].bytes), 1000);
		assert_string_equal(str_get(&s.keys), whole[i].keys);
		seen_fini(&s);
	}
}

/* Split at every byte with a pause: quick (the sequence arrives) or slow (the ESC has
 * acted; what is left of the sequence must vanish). Letters must never come out. */
static void test_split(void **state)
{
	static const int pauses[] = { 5, 30, 400, 990 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(whole); i++)
		for (size_t at = 1; at < strlen(whole[i].bytes); at++)
			for (size_t p = 0; p < COUNT_OF(pauses); p++) {
				struct seen s = seen_new();
				struct keys k;
				size_t n = strlen(whole[i].bytes);
				bool esc_alone = whole[i].bytes[at - 1] == '\033' &&
					pauses[p] >= KEYS_ESC_MS;
				/* only sequences that begin with [ or O can come late */
				bool known = whole[i].bytes[at] == '[' || whole[i].bytes[at] == 'O';
				keys_init(&k, &events, &s);
				keys_feed(&k, whole[i].bytes, at, 1000);
				keys_timeout(&k, 1000 + pauses[p]);
				keys_feed(&k, whole[i].bytes + at, n - at, 1000 + pauses[p]);
				if (!esc_alone)
					assert_string_equal(str_get(&s.keys), whole[i].keys);
				else if (known) {
					assert_non_null(strstr(str_get(&s.keys), "Esc "));
					for (const char *c = "APRFX"; *c; c++) {
						char name[4] = { ' ', *c, ' ', 0 };
						assert_null(strstr(str_get(&s.keys), name));
					}
				}
				seen_fini(&s);
			}
}

static void test_lone_esc(void **state)
{
	struct seen s = seen_new();
	struct keys k;

	(void)state;
	keys_init(&k, &events, &s);
	keys_feed(&k, "\033", 1, 1000);
	assert_int_equal(keys_wake_ms(&k), 1000 + KEYS_ESC_MS);
	keys_timeout(&k, 1024);
	assert_string_equal(str_get(&s.keys), "");
	keys_timeout(&k, 1025);
	assert_string_equal(str_get(&s.keys), "Esc ");
	/* a second later a bracket is a bracket again */
	keys_feed(&k, "[", 1, 2100);
	keys_feed(&k, "A", 1, 2101);
	assert_string_equal(str_get(&s.keys), "Esc [ A ");
	/* ESC, then a plain key soon after */
	keys_feed(&k, "\033", 1, 3000);
	keys_timeout(&k, 3030);
	keys_feed(&k, "j", 1, 3040);
	assert_string_equal(str_get(&s.keys), "Esc [ A Esc j ");
	seen_fini(&s);
}

static void test_late_bytes_one_by_one(void **state)
{
	struct seen s = seen_new();
	struct keys k;
	const char *bytes = "\033[1;2P";

	(void)state;
	keys_init(&k, &events, &s);
	for (size_t i = 0; bytes[i]; i++) {
		keys_feed(&k, bytes + i, 1, 1000 + (int64_t)i * 200);
		keys_timeout(&k, 1000 + (int64_t)i * 200 + 100);
	}
	assert_string_equal(str_get(&s.keys), "Esc ");
	seen_fini(&s);
}

static void test_paste(void **state)
{
	/* colours, a title, a link that nobody ends, an odd escape: no words; the rest stays */
	static const char paste[] = "\033[200~Aq\033[1;31mX\033]0;t\007\n\033(B\033]8;;x\nP"
				    "\033[201~j";
	const size_t n = sizeof(paste) - 1;

	(void)state;
	for (size_t at = 0; at <= n; at++) {
		struct seen s = seen_new();
		struct keys k;
		keys_init(&k, &events, &s);
		keys_feed(&k, paste, at, 1000);
		keys_feed(&k, paste + at, n - at, 1005);
		assert_string_equal(str_get(&s.keys), "j ");
		assert_string_equal(str_get(&s.pasted), "AqX\n\nP");
		seen_fini(&s);
	}
	/* its end got lost: ^C typed alone gives the keyboard back */
	struct seen s = seen_new();
	struct keys k;
	keys_init(&k, &events, &s);
	keys_feed(&k, "\033[200~abc", 9, 1000);
	assert_true(keys_pasting(&k));
	keys_feed(&k, "\003", 1, 2000);
	keys_feed(&k, "j", 1, 2001);
	assert_string_equal(str_get(&s.keys), "j ");
	seen_fini(&s);
}

static void on_whole_paste(void *ctx, const char *text, size_t n)
{
	struct seen *s = ctx;

	assert_true(utf8_valid(text, n)); /* each piece by itself */
	str_addn(&s->pasted, text, n);
}

/* However the bytes arrive, no piece ends within a character. */
static void test_paste_of_whole_characters(void **state)
{
	static const struct keys_events pieces = { .key = on_key, .paste = on_whole_paste };
	struct str text = STR_INIT(1 << 20);
	const size_t steps[] = { 1, 2, 3, 7, 1000, 1023, 1025, 100000 };

	(void)state;
	str_add(&text, "\033[200~");
	for (int i = 0; i < 2000; i++)
		str_add(&text, i % 3 ? "\xc3\xbc\xe2\x82\xac" : "a\xf0\x9f\x9a\x91");
	str_add(&text, "\033[201~");
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		struct seen s = seen_new();
		struct keys k;

		keys_init(&k, &pieces, &s);
		for (size_t at = 0; at < text.len; at += steps[i])
			keys_feed(&k, text.s + at, text.len - at < steps[i] ? text.len - at :
				  steps[i], 1000);
		assert_int_equal(s.pasted.len, text.len - 12);
		assert_memory_equal(s.pasted.s, text.s + 6, s.pasted.len);
		seen_fini(&s);
	}
	str_fini(&text);
}

static void test_noise(void **state)
{
	struct seen s = seen_new();
	struct keys k;
	uint64_t r = 88172645463325252ULL;

	(void)state;
	keys_init(&k, &events, &s);
	for (int i = 0; i < 200000; i++) {
		unsigned char c;
		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		c = (unsigned char)(r >> 11);
		keys_feed(&k, &c, 1, i);
	}
	keys_reset(&k);
	seen_fini(&s);
}

static void test_bindings(void **state)
{
	static const uint32_t never[] = { KEY_CTRL('d'), KEY_CTRL('k'), KEY_DELETE, KEY_BACKSPACE,
					  'R' };
	static const char *const views[] = { "overview", "events", "accounts", "agents", "sms",
					     "engine", "log" };
	size_t n;
	const struct binding *rows = binding_rows(&n);

	(void)state;
	for (size_t v = 0; v < COUNT_OF(views); v++) {
		for (size_t i = 0; i < COUNT_OF(never); i++)
			assert_int_equal(binding_find(never[i], views[v]), ACT_NONE);
		assert_int_equal(binding_find('A', views[v]), ACT_APPROVE);
	}
	assert_int_equal(binding_find('g', "events"), ACT_GATES);
	assert_int_equal(binding_find('g', "agents"), ACT_TOP);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(rows[i].help);
		/* lower-case keys never change the outside world */
		for (size_t k = 0; rows[i].group == GROUP_CHANGE && k < 4 && rows[i].keys[k]; k++)
			assert_in_range(rows[i].keys[k], 'A', 'Z');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_split),
		cmocka_unit_test(test_lone_esc), cmocka_unit_test(test_late_bytes_one_by_one),
		cmocka_unit_test(test_paste),
		cmocka_unit_test(test_paste_of_whole_characters), cmocka_unit_test(test_noise),
		cmocka_unit_test(test_bindings),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
