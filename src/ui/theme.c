/*
 * Themes: parser, the shipped files, and the way from any colour to what the terminal
 * has. Invariant: every role always has a style, a broken file changes nothing.
 * It does not know escape sequences; term.c turns styles into bytes.
 */
#include "ui/theme.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/embed.h"
#include "core/mem.h"
#include "core/str.h"

EMBED(theme_file_dark, "themes/dark");
EMBED(theme_file_light, "themes/light");
EMBED(theme_file_high_contrast, "themes/high-contrast");
EMBED(theme_file_mono, "themes/mono");
EMBED(theme_file_colorblind, "themes/colorblind");

static const struct shipped {
	const char *name, *start, *end;
} shipped[] = {
	{ "dark", theme_file_dark_start, theme_file_dark_end },
	{ "light", theme_file_light_start, theme_file_light_end },
	{ "high-contrast", theme_file_high_contrast_start, theme_file_high_contrast_end },
	{ "mono", theme_file_mono_start, theme_file_mono_end },
	{ "colorblind", theme_file_colorblind_start, theme_file_colorblind_end },
};

static const char *const role_names[] = {
#define ROLE_NAME(name, help) #name,
	ROLES(ROLE_NAME)
#undef ROLE_NAME
};
static const char *const color_names[] = {
	"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
};

void theme_init(struct theme *t)
{
	*t = (struct theme){ .name = "plain" };
	for (int i = 0; i < ROLE_COUNT; i++)
		t->role[i] = (struct style){ COLOR_DEFAULT, COLOR_DEFAULT, 0 };
	t->role[ROLE_production].attrs = ATTR_REVERSE;
	t->role[ROLE_selected].attrs = ATTR_REVERSE;
	t->role[ROLE_danger].attrs = ATTR_REVERSE;
	t->role[ROLE_bad].attrs = ATTR_BOLD;
	t->role[ROLE_key].attrs = ATTR_BOLD;
	t->role[ROLE_title].attrs = ATTR_BOLD;
	t->role[ROLE_input].attrs = ATTR_UNDERLINE;
	t->role[ROLE_match].attrs = ATTR_UNDERLINE;
}

static bool color_parse(const char *word, int32_t *ret)
{
	int64_t v;
	int base = 0;

	if (str_eq(word, "default")) {
		*ret = COLOR_DEFAULT;
		return true;
	}
	if (word[0] == '#' && strlen(word) == 7) {
		uint8_t rgb[3];
		if (!hex_decode(word + 1, rgb, 3))
			return false;
		*ret = COLOR_RGB | rgb[0] << 16 | rgb[1] << 8 | rgb[2];
		return true;
	}
	if (parse_i64(word, 0, 255, &v)) {
		*ret = (int32_t)v;
		return true;
	}
	if (str_has_prefix(word, "bright-")) {
		word += 7;
		base = 8;
	}
	for (size_t i = 0; i < COUNT_OF(color_names); i++)
		if (str_eq(word, color_names[i])) {
			*ret = base + (int32_t)i;
			return true;
		}
	return false;
}

static int attr_parse(const char *word)
{
	static const struct {
		const char *name;
		int attr;
	} attrs[] = { { "bold", ATTR_BOLD },
		      { "underline", ATTR_UNDERLINE },
		      { "reverse", ATTR_REVERSE },
		      { "dim", ATTR_DIM } };

	for (size_t i = 0; i < COUNT_OF(attrs); i++)
		if (str_eq(word, attrs[i].name))
			return attrs[i].attr;
	return 0;
}

struct place {
	const char *file;
	int line, col;
};

static int bad_word(const struct place *at, const char *what, const char *word, struct err *err)
{
	return err_set(err, ERR_INVALID, "%s:%d:%d: %s '%s'", at->file, at->line, at->col, what,
	               word);
}

/* One word after another of "FG on BG bold ..."; col is moved to the word. */
static int style_word(struct style *st, const char *word, bool *bg_next, int *n_colors,
                      const struct place *at, struct err *err)
{
	int32_t color;
	int attr = attr_parse(word);

	if (attr && !*bg_next) {
		st->attrs |= (uint8_t)attr;
	} else if (str_eq(word, "on") && !*bg_next) {
		*bg_next = true;
	} else if (color_parse(word, &color)) {
		if (*bg_next)
			st->bg = color;
		else if ((*n_colors)++ == 0)
			st->fg = color;
		else
			return bad_word(at, "a second foreground", word, err);
		*bg_next = false;
	} else {
		return bad_word(at, "neither a colour nor an attribute:", word, err);
	}
	return 0;
}

static int line_parse(struct theme *t, char *line, struct place at, struct err *err)
{
	char *save = NULL, *name = strtok_r(line, " \t\r=", &save);
	struct style st = { COLOR_DEFAULT, COLOR_DEFAULT, 0 };
	bool bg_next = false;
	int n_colors = 0, role = -1;

	if (!name || name[0] == '#')
		return 0;
	at.col = (int)(name - line) + 1;
	for (int i = 0; i < ROLE_COUNT; i++)
		if (str_eq(name, role_names[i]))
			role = i;
	if (role < 0) {
		const char *near = str_nearest(name, role_names, COUNT_OF(role_names));
		return err_set(err, ERR_INVALID, "%s:%d:%d: unknown role '%s'%s%s%s", at.file,
		               at.line, at.col, name, near ? ", did you mean '" : "",
		               near ? near : "", near ? "'?" : "");
	}
	for (char *w; (w = strtok_r(NULL, " \t\r=", &save));) {
		if (str_eq(w, "#"))
			break;
		at.col = (int)(w - line) + 1;
		if (style_word(&st, w, &bg_next, &n_colors, &at, err))
			return ERR_INVALID;
	}
	if (bg_next)
		return bad_word(&at, "no colour after", "on", err);
	t->role[role] = st;
	return 0;
}

int theme_parse(struct theme *ret, const char *file, const char *text, size_t n, struct err *err)
{
	struct theme t;
	struct place at = { file, 0, 1 };
	_cleanup_(free_p) char *copy = xstrndup(text, n);

	theme_init(&t);
	for (char *line = copy, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		at.line++;
		if (line_parse(&t, line, at, err))
			return ERR_INVALID;
	}
	*ret = t;
	return 0;
}

#define THEME_FILE_MAX 65536

static int file_load(struct theme *ret, const char *path, struct err *err)
{
	_cleanup_(free_p) char *buf = xmalloc(THEME_FILE_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_set(err, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
	n = read(fd, buf, THEME_FILE_MAX);
	close(fd);
	if (n < 0 || n == THEME_FILE_MAX)
		return err_set(err, ERR_INVALID, "%s: not a theme file", path);
	return theme_parse(ret, path, buf, (size_t)n, err);
}

int theme_load(struct theme *ret, const char *name, const char *dir, struct err *err)
{
	const char *names[COUNT_OF(shipped)];
	const char *near;
	int r = 0;

	if (strchr(name, '/')) {
		r = file_load(ret, name, err);
		if (!r)
			snprintf(ret->name, sizeof(ret->name), "%s", strrchr(name, '/') + 1);
		return r;
	}
	if (dir) {
		_cleanup_(free_p) char *path = xasprintf("%s/%s", dir, name);
		if (access(path, R_OK) == 0) {
			r = file_load(ret, path, err);
			if (!r)
				snprintf(ret->name, sizeof(ret->name), "%s", name);
			return r;
		}
	}
	for (size_t i = 0; i < COUNT_OF(shipped); i++) {
		names[i] = shipped[i].name;
		if (!str_eq(name, shipped[i].name))
			continue;
		r = theme_parse(ret, name, shipped[i].start,
		                (size_t)(shipped[i].end - shipped[i].start), err);
		if (!r)
			snprintf(ret->name, sizeof(ret->name), "%s", name);
		return r;
	}
	near = str_nearest(name, names, COUNT_OF(names));
	return err_set(err, ERR_NOT_FOUND,
	               "no theme '%s'%s%s%s (shipped: dark light high-contrast mono colorblind)",
	               name, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Usual RGB of the first 16; terminals differ, only nearness matters. */
static const uint8_t base_rgb[16][3] = {
	{ 0, 0, 0 },       { 205, 0, 0 },   { 0, 205, 0 },   { 205, 205, 0 },
	{ 0, 0, 238 },     { 205, 0, 205 }, { 0, 205, 205 }, { 229, 229, 229 },
	{ 127, 127, 127 }, { 255, 0, 0 },   { 0, 255, 0 },   { 255, 255, 0 },
	{ 92, 92, 255 },   { 255, 0, 255 }, { 0, 255, 255 }, { 255, 255, 255 },
};

static void color_rgb(int32_t color, int rgb[3])
{
	static const int level[6] = { 0, 95, 135, 175, 215, 255 };

	if (color & COLOR_RGB) {
		rgb[0] = color >> 16 & 0xff;
		rgb[1] = color >> 8 & 0xff;
		rgb[2] = color & 0xff;
	} else if (color < 16) {
		for (int i = 0; i < 3; i++)
			rgb[i] = base_rgb[color][i];
	} else if (color < 232) {
		rgb[0] = level[(color - 16) / 36];
		rgb[1] = level[(color - 16) / 6 % 6];
		rgb[2] = level[(color - 16) % 6];
	} else {
		rgb[0] = rgb[1] = rgb[2] = 8 + (color - 232) * 10;
	}
}

int theme_nearest(int32_t color, int n_colors)
{
	int want[3], have[3], best = 0;
	long best_d = -1;

	if (color < 0 || n_colors < 8)
		return -1;
	if (!(color & COLOR_RGB) && color < n_colors)
		return color;
	if (!(color & COLOR_RGB) && color < 16)
		return color & 7; /* bright on an 8 colour terminal: its plain brother */
	color_rgb(color, want);
	/* the first 16 are what the user painted them: RGB goes to the fixed cube instead */
	for (int i = n_colors >= 256 ? 16 : 0; i < (n_colors >= 256 ? 256
	                                            : n_colors > 16 ? 16
	                                                            : n_colors);
	     i++) {
		long d = 0;
		color_rgb(i, have);
		for (int k = 0; k < 3; k++)
			d += (long)(want[k] - have[k]) * (want[k] - have[k]);
		if (best_d < 0 || d < best_d) {
			best_d = d;
			best = i;
		}
	}
	return best;
}
