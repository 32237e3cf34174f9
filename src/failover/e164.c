/*
 * Country and area of an E.164 number by its digits. The country is always taken from
 * the calling code (and, for +1, from the list of Canadian areas), so that a number
 * whose ISO code is stored compares equal to one of which only the digits are known.
 * It does not know every numbering plan: abroad, the first digits stand in for the area.
 */
#include "failover/e164.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/str.h"

/* Two-digit calling codes; 1 and 7 have one digit, all others three. */
static bool two_digits(int code)
{
	static const char codes[] = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 "
				    "53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 "
				    "93 94 95 98 ";
	char text[8];

	snprintf(text, sizeof(text), "%d ", code);
	return strstr(codes, text) != NULL;
}

static bool canadian(const char *area)
{
	static const char areas[] =
		"204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 387 403 416 418 428 "
		"431 437 438 450 460 468 474 506 514 519 537 548 568 579 581 584 587 604 613 639 "
		"647 672 683 705 709 742 753 778 780 782 807 819 825 867 873 879 902 905 942 ";
	char text[8];

	snprintf(text, sizeof(text), "%.3s ", area);
	return strlen(text) == 4 && strstr(areas, text);
}

void e164_place(const char *e164, const char *country, struct e164_place *ret)
{
	const char *d = e164 && e164[0] == '+' ? e164 + 1 : e164 ? e164 : "";
	size_t len = 3, n = strspn(d, "0123456789");

	memset(ret, 0, sizeof(*ret));
	if (n < 7) {	/* a short code: no place but its country */
		snprintf(ret->country, sizeof(ret->country), "%s", country ? country : "");
		return;
	}
	if (d[0] == '1' || d[0] == '7')
		len = 1;
	else if (two_digits((d[0] - '0') * 10 + d[1] - '0'))
		len = 2;
	if (d[0] == '1') {
		snprintf(ret->area, sizeof(ret->area), "%.3s", d + 1);
		snprintf(ret->country, sizeof(ret->country), canadian(ret->area) ? "CA" : "US");
		return;
	}
	snprintf(ret->country, sizeof(ret->country), "%.*s", (int)len, d);
	snprintf(ret->area, sizeof(ret->area), "%.4s", d + len);
}

int e164_place_compare(const struct e164_place *a, const struct e164_place *b)
{
	int by = strcmp(a->country, b->country);

	return by ? by : strcmp(a->area, b->area);
}
