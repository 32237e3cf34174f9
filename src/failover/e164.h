/* Where a telephone number belongs: country and area, as far as its digits say. */
#ifndef RD_FAILOVER_E164_H
#define RD_FAILOVER_E164_H

struct e164_place {
	char country[8];	/* ISO code where told or known, else the calling code: "44" */
	char area[8];		/* "" = not known */
};
/* country: only for a short code, whose digits say nothing (may be NULL). Outside North America
 * four digits after the calling code stand in for the area. */
void e164_place(const char *e164, const char *country, struct e164_place *ret);
int e164_place_compare(const struct e164_place *a, const struct e164_place *b);

#endif
