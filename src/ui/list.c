/*
 * Tables. Widths are policy, not arithmetic in views: each column has a least and a most
 * width, columns with a drop rank go when the screen is narrow (highest first), the
 * growing one takes the rest, and words are never cut (cells.c marks what is missing).
 * Invariant: 0 <= top <= cursor < total, or all 0. It fetches nothing.
 */
#include "ui/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

void list_init(struct list *l, const struct column *columns, size_t n, void *ctx)
{
	*l = (struct list){ .columns = columns, .n_columns = n, .ctx = ctx, .sort = -1 };
	l->widths = xcalloc(n + 1, sizeof(*l->widths));
}

void list_fini(struct list *l)
{
	free_p(&l->rows);
	free_p(&l->widths);
	*l = (struct list){ 0 };
}

static void clamp(struct list *l)
{
	if (l->cursor >= l->total)
		l->cursor = l->total - 1;
	if (l->cursor < 0)
		l->cursor = 0;
	if (l->top > l->cursor)
		l->top = l->cursor;
	if (l->page > 0 && l->cursor >= l->top + l->page)
		l->top = l->cursor - l->page + 1;
	if (l->page > 0 && l->top > 0 && l->top + l->page > l->total)
		l->top = l->total > l->page ? l->total - l->page : 0;
	if (l->top < 0)
		l->top = 0;
}

static const void *row_at(struct list *l, int64_t i, char key[64])
{
	if (i < 0 || i >= l->total)
		return NULL;
	if (l->windowed)
		return l->row ? l->row(l->ctx, i, key) : NULL;
	if (key)
		memcpy(key, l->rows[i].key, 64);
	return l->rows[i].rec;
}

static void remember(struct list *l)
{
	char key[64] = "";

	if (row_at(l, l->cursor, key))
		memcpy(l->key, key, sizeof(l->key));
}

void list_begin(struct list *l)
{
	l->n = 0;
	l->n_all = 0;
	l->windowed = false;
}

static int64_t number(struct member m, const void *rec)
{
	return *(const int64_t *)(const void *)((const char *)rec + m.at);
}

static enum role cell_text(struct list *l, size_t col, const void *rec, char *buf)
{
	const struct column *c = &l->columns[col];
	const char *s;

	buf[0] = '\0';
	if (c->text)
		return c->text(l->ctx, rec, buf);
	if (c->show.type == MEMBER_INT) {
		snprintf(buf, CELL_TEXT, "%lld", (long long)number(c->show, rec));
		return c->role;
	}
	s = *(const char *const *)(const void *)((const char *)rec + c->show.at);
	snprintf(buf, CELL_TEXT, "%s", !str_empty(s) ? s : c->none ? c->none : "");
	return str_empty(s) ? c->none_role : c->role;
}

static bool passes(struct list *l, const void *rec)
{
	char buf[CELL_TEXT];

	if (!l->filter[0])
		return true;
	for (size_t i = 0; i < l->n_columns; i++) {
		cell_text(l, i, rec, buf);
		if (strcasestr(buf, l->filter))
			return true;
	}
	return false;
}

void list_add(struct list *l, const void *rec, const char *key)
{
	struct list_row *r;

	l->n_all++;
	if (!passes(l, rec))
		return;
	l->rows = grow(l->rows, &l->cap, l->n + 1, sizeof(*l->rows));
	r = &l->rows[l->n++];
	r->rec = rec;
	snprintf(r->key, sizeof(r->key), "%s", key ? key : "");
}

static int compare_rows(const void *a, const void *b, void *ctx)
{
	struct list *l = ctx;
	const struct list_row *ra = a, *rb = b;
	const struct column *c = &l->columns[l->sort];
	struct member by = c->sort_by.type ? c->sort_by : c->show;
	char ta[CELL_TEXT], tb[CELL_TEXT];
	int d;

	if (c->cmp) {
		d = c->cmp(ra->rec, rb->rec);
	} else if (by.type == MEMBER_INT) {
		int64_t x = number(by, ra->rec), y = number(by, rb->rec);
		d = x < y ? -1 : x > y;
	} else {
		cell_text(l, (size_t)l->sort, ra->rec, ta);
		cell_text(l, (size_t)l->sort, rb->rec, tb);
		d = strverscmp(ta, tb);
	}
	if (!d)
		return strverscmp(ra->key, rb->key);
	return l->reverse ? -d : d;
}

static void follow_key(struct list *l)
{
	if (!l->key[0])
		return;
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->rows[i].key, l->key)) {
			l->cursor = (int64_t)i;
			return;
		}
}

void list_end(struct list *l)
{
	if (l->sort >= 0 && l->n > 1)
		qsort_r(l->rows, l->n, sizeof(*l->rows), compare_rows, l);
	l->total = (int64_t)l->n;
	follow_key(l);
	clamp(l);
	if (l->key[0])
		remember(l);
}

void list_window(struct list *l, int64_t total,
                 const void *(*row)(void *ctx, int64_t i, char key[64]))
{
	l->windowed = true;
	l->total = total;
	l->row = row;
	clamp(l);
}

const void *list_selected(struct list *l)
{
	char key[64] = "";

	return row_at(l, l->cursor, key);
}

void list_select_key(struct list *l, const char *key)
{
	snprintf(l->key, sizeof(l->key), "%s", key);
	if (!l->windowed)
		follow_key(l);
	clamp(l);
}

void list_set_filter(struct list *l, const char *text)
{
	if (str_eq(l->filter, text))
		return;
	snprintf(l->filter, sizeof(l->filter), "%s", text);
	l->changed = true;
}

static void next_sort(struct list *l)
{
	int was = l->sort;

	do {
		l->sort++;
		if (l->sort >= (int)l->n_columns)
			l->sort = -1;
	} while (l->sort >= 0 && l->windowed && !l->columns[l->sort].name && l->sort != was);
	l->reverse = false;
	l->changed = true;
}

static bool list_move(struct list *l, int64_t to)
{
	l->cursor = to;
	clamp(l);
	remember(l);
	return true;
}

bool list_act(struct list *l, enum act act)
{
	int page = l->page > 1 ? l->page - 1 : 1;

	switch (act) {
	case ACT_DOWN:
		return list_move(l, l->cursor + 1);
	case ACT_UP:
		return list_move(l, l->cursor - 1);
	case ACT_TOP:
		return list_move(l, 0);
	case ACT_BOTTOM:
		return list_move(l, l->total - 1);
	case ACT_PAGE_DOWN:
		return list_move(l, l->cursor + page);
	case ACT_PAGE_UP:
		return list_move(l, l->cursor - page);
	case ACT_NEXT_MATCH:
		return list_move(l, l->cursor + 1);
	case ACT_PREV_MATCH:
		return list_move(l, l->cursor - 1);
	case ACT_SORT:
		next_sort(l);
		return true;
	case ACT_SORT_REVERSE:
		if (l->sort < 0)
			l->sort = 0;
		l->reverse = !l->reverse;
		l->changed = true;
		return true;
	case ACT_COLUMNS_RIGHT:
		if (l->first_column + 2 < (int)l->n_columns)
			l->first_column++;
		return true;
	case ACT_COLUMNS_LEFT:
		if (l->first_column > 0)
			l->first_column--;
		return true;
	default:
		return false;
	}
}

/* ---- layout ------------------------------------------------------------------------ */

static int wanted(struct list *l, size_t col)
{
	const struct column *c = &l->columns[col];
	char buf[CELL_TEXT];
	int most = c->w;

	if (col == 0 && most < l->title_w && l->title_w < 30)
		most = l->title_w; /* the title stands over the first column */

	if (!c->wide || c->wide == c->w || l->windowed)
		return c->wide > c->w && (c->w + c->wide) / 2 > most ? (c->w + c->wide) / 2 : most;
	for (size_t i = 0; i < l->n && i < 500 && most < c->wide; i++) {
		int w;
		cell_text(l, col, l->rows[i].rec, buf);
		w = text_width(buf, false);
		if (w > most)
			most = w < c->wide ? w : c->wide;
	}
	return most;
}

/* Columns 1..first_column are scrolled away; the first always stays. */
static bool scrolled(const struct list *l, size_t i)
{
	return i > 0 && (int)i <= l->first_column;
}

static int least(const struct list *l, bool *shown)
{
	int sum = 0; /* a blank before each */

	for (size_t i = 0; i < l->n_columns; i++)
		if (shown[i])
			sum += l->columns[i].w + 1;
	return sum;
}

static void layout(struct list *l, int width)
{
	bool shown[64];
	int left;

	for (size_t i = 0; i < l->n_columns; i++)
		shown[i] = !scrolled(l, i);
	while (least(l, shown) > width) {
		int worst = -1;
		for (size_t i = 0; i < l->n_columns; i++)
			if (shown[i] && l->columns[i].drop > 0 &&
			    (worst < 0 || l->columns[i].drop > l->columns[worst].drop))
				worst = (int)i;
		if (worst < 0)
			break;
		shown[worst] = false;
	}
	left = width - least(l, shown);
	for (size_t i = 0; i < l->n_columns; i++) {
		l->widths[i] = shown[i] ? (int16_t)l->columns[i].w : 0;
		if (shown[i] && left > 0) {
			int more = wanted(l, i) - l->columns[i].w;
			more = more > left ? left : more < 0 ? 0 : more;
			l->widths[i] = (int16_t)(l->widths[i] + more);
			left -= more;
		}
	}
	for (size_t i = 0; i < l->n_columns && left > 0; i++)
		if (shown[i] && l->columns[i].grow) {
			l->widths[i] = (int16_t)(l->widths[i] + left);
			left = 0;
		}
}

static void draw_heads(struct list *l, struct area a, const char *title)
{
	int x = 1;
	char head[80];

	area_fill(a, 0, 0, a.w, ROLE_rule, '-');
	for (size_t i = 0; i < l->n_columns; i++) {
		const struct column *c = &l->columns[i];
		int w = l->widths[i], tw;
		if (!w)
			continue;
		snprintf(head, sizeof(head), "%s%s", i == 0 && title ? title : c->title,
		         l->sort == (int)i ? l->reverse ? " v" : " ^" : "");
		tw = text_width(head, true);
		if (i == 0) {
			area_text(a, x, 0, ROLE_title, head);
		} else if (head[0]) {
			bool last = x + w + 1 >= a.w;
			area_fill(a, x - 1, 0, last ? tw + 2 : w + 2, ROLE_rule, ' ');
			area_field(a, c->align > 0 ? x + w - (tw < w ? tw : w) : x, 0,
			           last ? tw : w, 0, ROLE_title, head);
		}
		x += w + 1;
	}
}

static void draw_row(struct list *l, struct area a, int y, int64_t i, bool selected)
{
	char key[64] = "", buf[CELL_TEXT];
	const void *rec = row_at(l, i, key);
	int x = 1;

	area_put(a, 0, y, ROLE_normal, selected ? '>' : ' ');
	if (!rec) {
		area_text(a, x, y, ROLE_dim, "...");
		return;
	}
	for (size_t c = 0; c < l->n_columns; c++) {
		enum role role;
		if (!l->widths[c])
			continue;
		role = cell_text(l, c, rec, buf);
		if (l->filter[0] && role == ROLE_normal && strcasestr(buf, l->filter))
			role = ROLE_match;
		if (selected && c == 0)
			role = ROLE_selected;
		area_field(a, x, y, l->widths[c], l->columns[c].align, role, buf);
		x += l->widths[c] + 1;
	}
}

void list_draw(struct list *l, struct area a, const char *title, bool focused)
{
	if (a.h < 1 || a.w < 1)
		return;
	l->page = a.h - 1;
	clamp(l);
	l->title_w = text_width(title, true);
	layout(l, a.w);
	draw_heads(l, a, title);
	for (int y = 1; y < a.h; y++) {
		int64_t i = l->top + y - 1;
		if (i >= l->total)
			break;
		draw_row(l, a, y, i, focused && i == l->cursor);
	}
	if (focused && l->total > 0)
		area_cursor(a, 0, (int)(l->cursor - l->top) + 1);
}

void list_lines(struct list *l, int width, struct str *out)
{
	struct cells c;
	int64_t n = l->total < 10000 ? l->total : 10000;

	cells_init(&c);
	cells_resize(&c, width, 1);
	layout(l, width);
	draw_heads(l, area_all(&c), NULL);
	cells_row_text(&c, 0, out);
	str_addc(out, '\n');
	for (int64_t i = 0; i < n; i++) {
		cells_clear(&c);
		draw_row(l, area_all(&c), 0, i, false);
		cells_row_text(&c, 0, out);
		str_addc(out, '\n');
	}
	cells_fini(&c);
}

void list_row_text(struct list *l, struct str *out)
{
	char buf[CELL_TEXT];
	const void *rec = list_selected(l);

	for (size_t i = 0; rec && i < l->n_columns; i++) {
		cell_text(l, i, rec, buf);
		text_clean_buf(buf);
		str_addf(out, "%s%s", i ? "\t" : "", buf);
	}
}
