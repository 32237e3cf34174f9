/* Shared by the files that write the page. Everything that comes from outside goes through
 * html_text or html_written; nothing else writes a text that is not a literal. */
#ifndef RD_REPORT_HTML_H
#define RD_REPORT_HTML_H

#include "report/report.h"

/* Head of a page and what opens its body; its end. */
void html_open(struct str *out, const char *title);
void html_close(struct str *out);
/* A figure with its name and what it means; class_ is a literal. */
void html_card(struct str *out, const char *class_, const char *value, const char *name,
	       const char *help);
/* Two units are what a reader keeps: "19d19h"; "-". */
void html_short_span(char ret[40], int64_t ms);
/* Escaped, cleaned, cut to max characters (0 = whole). */
void html_text(struct str *out, const char *text, size_t max);
/* What comes out of fmt, as a whole: no markup in it. */
void html_textf(struct str *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A person's text: paragraphs, lists, headings, `code` and **bold**; no other markup. */
void html_written(struct str *out, const char *text);
void html_blocks(struct str *out, const struct report_blocks *b);
void html_time(struct str *out, int64_t ms);		/* <time> */

/* ---- drawings: SVG that takes its colours from the page ---- */
enum { DRAW_W = 1000, DRAW_LEFT = 118, DRAW_RIGHT = 14 };
/* Where an instant stands between from_ms and to_ms; what lies outside, at the edge. */
double draw_x(const struct report *r, int64_t ms);
void draw_open(struct str *out, int height, const char *title);
void draw_axis(struct str *out, const struct report *r, int top, int bottom);
void draw_stages(struct str *out, const struct report *r, int top, int bottom);
void draw_lane_label(struct str *out, double y, const char *name, const char *more);
void draw_timeline(struct str *out, const struct report *r);
void draw_health(struct str *out, const struct report *r);
void draw_compare(struct str *out, const struct report *r);
void draw_traffic(struct str *out, const struct report *r);
const char *draw_health_class(const char *status);

#endif
