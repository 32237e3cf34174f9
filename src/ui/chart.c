/*
 * Small charts. Values are drawn as heights in one row, eighths where the terminal has
 * the characters; the numbers themselves are the view's to write beside them, because a
 * chart alone says nothing to who cannot see it.
 */
#include "ui/chart.h"

void chart_bar(struct area a, int x, int y, int w, double done, double total)
{
	int inner = w - 2;
	int full = total > 0 ? (int)(done / total * inner + 0.5) : 0;

	if (inner < 1)
		return;
	full = full < 0 ? 0 : full > inner ? inner : full;
	if (!full && done > 0)
		full = 1;
	if (full == inner && done < total)
		full = inner - 1; /* full means full */
	area_put(a, x, y, ROLE_normal, '[');
	area_fill(a, x + 1, y, full, ROLE_chart, '#');
	area_fill(a, x + 1 + full, y, inner - full, ROLE_dim, '.');
	area_put(a, x + w - 1, y, ROLE_normal, ']');
}

void chart_history(struct area a, int x, int y, int w, const double *v, size_t n, double top,
                   double warn_at, double bad_at)
{
	size_t skip = n > (size_t)w ? n - (size_t)w : 0;

	if (w <= 0)
		return;
	for (size_t i = skip; top <= 0 && i < n; i++)
		if (v[i] > top)
			top = v[i];
	x += w - (int)(n - skip);
	for (size_t i = skip; i < n; i++, x++) {
		enum role role = bad_at > 0 && v[i] >= bad_at     ? ROLE_bad
		                 : warn_at > 0 && v[i] >= warn_at ? ROLE_warn
		                                                  : ROLE_chart;
		int level = top > 0 ? (int)(v[i] / top * 8 + 0.5) : 0;
		if (v[i] < 0)
			area_put(a, x, y, ROLE_unknown, '?');
		else if (level <= 0)
			area_put(a, x, y, ROLE_dim, '_');
		else
			area_put(a, x, y, role, 0x2580 + (uint32_t)(level > 8 ? 8 : level));
	}
}
