/* See failovers.h. Who decided tells a person's approval from one by the deadline: the engine
 * signs its own. */
#include "report/failovers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

ENUM_NAMES(window_end_names, "end of a window", WINDOW_END_LIST);

const char *window_end_help(enum window_end e)
{
	static const char *const help[WE_MAX] = {
		[WE_CANCELLED] = "it recovered, or a person called it off",
		[WE_APPROVED] = "a person approved before the deadline",
		[WE_EXPIRED] = "nobody said no: approved by itself",
		[WE_REJECTED] = "a person said no",
		[WE_SUPERSEDED] = "another event took its place",
		[WE_OPEN] = "still waiting",
	};

	return help[e];
}

enum window_end window_end(const struct failover_row *r)
{
	if (r->window_ms <= 0)
		return WE_MAX;
	switch ((enum event_status)r->status) {
	case EV_HELD:
	case EV_PENDING:
		return WE_OPEN;
	case EV_CANCELLED:
		return WE_CANCELLED;
	case EV_REJECTED:
		return WE_REJECTED;
	case EV_SUPERSEDED:
		return WE_SUPERSEDED;
	default:
		break;
	}
	return str_empty(r->decided_by) || str_eq(r->decided_by, "engine") ? WE_EXPIRED
									   : WE_APPROVED;
}

/* The spans of one kind, then their summary. */
struct spans { int64_t *v; size_t n; };

static void span_add(struct spans *s, int64_t from, int64_t to)
{
	if (from > 0 && to >= from)
		s->v[s->n++] = to - from;
}

static void count_steps(const struct failover_step *v, size_t n, struct failover_metrics *ret)
{
	_cleanup_(free_p) int64_t *took = xcalloc(n ? n : 1, sizeof(*took));

	for (size_t i = 0; i < n; i++) {
		size_t k = 0, found = 0;

		while (k < ret->n_steps && !str_eq(ret->steps[k].name, v[i].step))
			k++;
		if (k < ret->n_steps || k == FAILOVER_STEPS)
			continue;
		snprintf(ret->steps[k].name, sizeof(ret->steps[k].name), "%s", v[i].step);
		ret->n_steps++;
		for (size_t j = i; j < n; j++)
			if (str_eq(v[j].step, v[i].step))
				took[found++] = v[j].ms;
		times_of(took, found, &ret->steps[k].took);
	}
}

void failover_count(const struct failover_row *v, size_t n, const struct failover_step *steps,
		    size_t n_steps, struct failover_metrics *ret)
{
	struct spans deciding = { xcalloc(n ? n : 1, sizeof(int64_t)), 0 };
	struct spans moving = { xcalloc(n ? n : 1, sizeof(int64_t)), 0 };

	*ret = (struct failover_metrics){ 0 };
	for (size_t i = 0; i < n; i++) {
		enum window_end end = window_end(&v[i]);

		if (v[i].trigger == TRIG_DRILL) {
			ret->drills++;
			continue;
		}
		ret->events++;
		if (end != WE_MAX) {
			ret->windows++;
			ret->ends[end]++;
			span_add(&deciding, v[i].opened_at_ms, v[i].decided_at_ms);
		}
		span_add(&moving, v[i].decided_at_ms, v[i].completed_at_ms);
	}
	times_of(deciding.v, deciding.n, &ret->deciding);
	times_of(moving.v, moving.n, &ret->moving);
	free(deciding.v);
	free(moving.v);
	count_steps(steps, n_steps, ret);
}

static void span_json(struct jw *w, const char *name, const struct time_summary *s)
{
	jw_obj(w, NULL);
	jw_str(w, "span", name);
	times_json(w, s);
	jw_obj_end(w);
}

void failover_json(struct jw *w, const struct failover_metrics *m)
{
	jw_i64(w, "events", (int64_t)m->events);
	jw_i64(w, "drills", (int64_t)m->drills);
	jw_i64(w, "windows", (int64_t)m->windows);
	jw_arr(w, "ends");
	for (int e = 0; e < WE_MAX; e++) {
		jw_obj(w, NULL);
		jw_str(w, "end", enum_name(&window_end_names, e));
		jw_i64(w, "n", (int64_t)m->ends[e]);
		if (m->windows)
			jw_double(w, "share", (double)m->ends[e] / (double)m->windows);
		else
			jw_null(w, "share");
		jw_str(w, "help", window_end_help((enum window_end)e));
		jw_obj_end(w);
	}
	jw_arr_end(w);
	jw_arr(w, "spans");
	span_json(w, "deciding", &m->deciding);
	span_json(w, "moving", &m->moving);
	for (size_t i = 0; i < m->n_steps; i++)
		span_json(w, m->steps[i].name, &m->steps[i].took);
	jw_arr_end(w);
}
