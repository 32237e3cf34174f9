/*
 * Server-sent events, reader half. Bytes may arrive cut anywhere; a line ends with LF, CR
 * or CRLF, an event with an empty line.
 *
 * Invariant: neither a line nor an event grows past the maximum; when one would, overflow
 * is set and everything after it is dropped, as the stream can no longer be trusted.
 */
#include "core/sse.h"

#include <stdio.h>
#include <string.h>

void sse_init(struct sse *s, size_t max)
{
	memset(s, 0, sizeof(*s));
	s->line = STR_INIT(max);
	s->data = STR_INIT(max);
}

void sse_fini(struct sse *s)
{
	str_fini(&s->line);
	str_fini(&s->data);
}

static void dispatch(struct sse *s)
{
	if (s->has_data && s->on_event)
		s->on_event(s->ctx, s->event[0] ? s->event : "message", s->id, str_get(&s->data));
	s->event[0] = '\0';
	s->has_data = false;
	str_clear(&s->data);
}

/* A name or id longer than ours is cut by nobody: the link is dropped instead. */
static void set_field(struct sse *s, char *to, size_t size, const char *value)
{
	if (strlen(value) >= size)
		s->overflow = true;
	else
		snprintf(to, size, "%s", value);
}

static void on_line(struct sse *s)
{
	char *line = s->line.s, *value;

	if (s->line.len == 0) {
		dispatch(s);
		return;
	}
	if (line[0] == ':') {
		if (s->on_comment)
			s->on_comment(s->ctx, line[1] == ' ' ? line + 2 : line + 1);
		return;
	}
	value = strchr(line, ':');
	if (value) {
		*value++ = '\0';
		if (*value == ' ')
			value++;
	} else {
		value = line + s->line.len;
	}
	if (strcmp(line, "data") == 0) {
		if (s->has_data)
			str_addc(&s->data, '\n');
		s->has_data = true;
		str_add(&s->data, value);
	} else if (strcmp(line, "event") == 0) {
		set_field(s, s->event, sizeof(s->event), value);
	} else if (strcmp(line, "id") == 0) {
		set_field(s, s->id, sizeof(s->id), value);
	}
}

void sse_feed(struct sse *s, const char *p, size_t n)
{
	while (n > 0 && !s->overflow) {
		size_t run;

		if (s->after_cr && *p == '\n') { /* the second half of CRLF */
			s->after_cr = false;
			p++;
			n--;
			continue;
		}
		s->after_cr = false;
		for (run = 0; run < n && p[run] != '\n' && p[run] != '\r'; run++)
			;
		str_addn(&s->line, p, run);
		if (run < n) {
			s->after_cr = p[run] == '\r';
			if (!s->line.full)
				on_line(s);
			run++;
			if (!s->line.full)
				str_clear(&s->line);
		}
		if (s->line.full || s->data.full)
			s->overflow = true;
		p += run;
		n -= run;
	}
}
