/* Small charts of cells: bars and histories. ASCII when the grid is. */
#ifndef RD_UI_CHART_H
#define RD_UI_CHART_H

#include "ui/cells.h"

/* "[####......]" w columns wide, done of total. */
void chart_bar(struct area a, int x, int y, int w, double done, double total);
/* One column per value, newest last, the last w of them; a negative value is a gap ('?').
 * top <= 0: the largest value. warn_at and bad_at choose roles (0 = none). */
void chart_history(struct area a, int x, int y, int w, const double *v, size_t n, double top,
		   double warn_at, double bad_at);

#endif
