/*
 * Cleans what programs write, byte by byte, so that it does not matter where a read ends:
 * ESC and CSI, OSC, DCS sequences are dropped whole, other control bytes too, a carriage
 * return ends a line. Secrets are masked in whole lines only, or one could hide across two
 * reads. What is kept is bounded; what is counted is not.
 */
#include "runbook/output.h"

#include <string.h>

#include "core/mem.h"

enum { PLAIN, ESCAPE, CSI, STRING /* OSC, DCS ... until BEL or ST */, STRING_ESCAPE };

void output_init(struct output *o, const struct masker *m)
{
	*o = (struct output){ .masker = m, .head = STR_INIT(OUTPUT_HEAD),
			      .current = STR_INIT(OUTPUT_LINE) };
}

void output_fini(struct output *o)
{
	str_fini(&o->head);
	str_fini(&o->current);
	free_p(&o->tail);
}

/* Whole lines into the head while it has room, then into the ring. */
static void keep(struct output *o, const char *p, size_t n)
{
	if (!o->tail && o->head.len + n < OUTPUT_HEAD) {
		str_addn(&o->head, p, n);
		return;
	}
	if (!o->tail)
		o->tail = xcalloc(1, OUTPUT_TAIL);
	for (size_t i = 0; i < n; i++) {
		o->left_out += o->tail_full;
		o->tail[o->tail_at++] = p[i];
		if (o->tail_at == OUTPUT_TAIL) {
			o->tail_at = 0;
			o->tail_full = true;
		}
	}
}

static void end_line(struct output *o)
{
	struct str b = STR_INIT(OUTPUT_LINE * 4);
	char *clean;

	str_addn(&b, str_get(&o->current), o->current.len);
	if (o->masker)
		masker_apply(o->masker, &b);
	clean = text_clean(str_get(&b), 0);
	str_clear(&b);
	str_add(&b, clean);
	free_p(&clean);
	if (o->current.full)
		str_add(&b, " ...");
	str_addc(&b, '\n');
	o->lines++;
	keep(o, str_get(&b), b.len);
	if (o->line)
		o->line(o->ctx, str_get(&b), b.len);
	str_fini(&b);
	str_clear(&o->current);
	o->current.full = false;
}

/* true: c is text. */
static bool plain(struct output *o, unsigned char c)
{
	switch (o->state) {
	case ESCAPE:
		o->state = c == '[' ? CSI : c == ']' || c == 'P' || c == '_' || c == '^' ||
			c == 'X' ?
			STRING : c >= 0x20 && c <= 0x2f ? ESCAPE : PLAIN;
		return false;
	case CSI:
		if ((c >= 0x40 && c <= 0x7e) || c == '\n')
			o->state = PLAIN;
		return c == '\n';
	case STRING:
		o->state = c == 7 || c == '\n' ? PLAIN : c == 0x1b ? STRING_ESCAPE : STRING;
		return c == '\n';
	case STRING_ESCAPE:
		o->state = PLAIN;
		return false;
	default:
		if (c == 0x1b)
			o->state = ESCAPE;
		return c >= 0x20 ? c != 0x7f : c == '\n' || c == '\t' || c == '\r';
	}
}

void output_add(struct output *o, const char *p, size_t n)
{
	o->bytes += (int64_t)n;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (!plain(o, c))
			continue;
		if (c == '\n' && o->cr) { /* its line ended with the carriage return */
			o->cr = false;
			continue;
		}
		o->cr = c == '\r';
		if (c == '\n' || c == '\r')
			end_line(o);
		else
			str_addc(&o->current, (char)c);
	}
}

void output_end(struct output *o)
{
	if (o->current.len)
		end_line(o);
}

void output_text(const struct output *o, struct str *ret)
{
	size_t from = 0, skip = 0;

	str_addn(ret, str_get(&o->head), o->head.len);
	if (!o->tail)
		return;
	if (o->tail_full) {
		from = o->tail_at;
		/* from the next line on: the first is cut */
		while (skip < OUTPUT_TAIL && o->tail[(from + skip) % OUTPUT_TAIL] != '\n')
			skip++;
		skip += skip < OUTPUT_TAIL;
		str_addf(ret, "[... %lld bytes left out ...]\n",
			 (long long)o->left_out + (long long)skip);
		for (size_t i = skip; i < OUTPUT_TAIL; i++)
			str_addc(ret, o->tail[(from + i) % OUTPUT_TAIL]);
		return;
	}
	str_addn(ret, o->tail, o->tail_at);
}

void output_clean(const struct masker *m, const char *p, size_t n, size_t max, struct str *ret)
{
	struct output o;
	struct str all = STR_INIT(STR_MAX_DEFAULT);

	output_init(&o, m);
	output_add(&o, p, n);
	output_end(&o);
	output_text(&o, &all);
	/* nobody wrote the last newline of a text without one */
	if (all.len && n && p[n - 1] != '\n')
		all.len--;
	str_addn(ret, str_get(&all), utf8_prefix(str_get(&all), all.len < max ? all.len : max));
	str_fini(&all);
	output_fini(&o);
}
