/* Facts for plans; see plans.h. */
#include "store/plans.h"

int plan_numbers(struct store *s, const char *account, const char *reserved_by,
		 struct number **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(pg_result_free_p) struct pg_result *r = NULL;
	int e = store_query(s, &r, err,
		"SELECT b.\"phoneNumber\", b.\"phoneNumberSid\", b.country, b.\"areaCode\","
		" coalesce(b.\"smsReady\", false), x.problem, b.id"
		" FROM \"TwilioBackupPhoneNumber\" b"
		" LEFT JOIN ringdown.number_ext x"
		"  ON x.account_id = b.\"accountId\" AND x.phone_number = b.\"phoneNumber\""
		" LEFT JOIN ringdown.reservation v ON v.phone_number = b.\"phoneNumber\""
		" WHERE b.\"accountId\" = $1 AND b.\"voiceReady\" AND b.\"assignedAgentId\" IS NULL"
		" AND (b.status = 'available' AND v.event_id IS NULL OR v.event_id = $2)"
		" ORDER BY b.\"phoneNumber\"", "tt", account, reserved_by);
	if (e < 0)
		return e;
	*ret_n = (size_t)pg_rows(r);
	*ret = xcalloc(*ret_n + 1, sizeof(**ret));
	for (size_t i = 0; i < *ret_n; i++) {
		int k = (int)i;

		(*ret)[i] = (struct number){
			.phone_number = xstrdup(pg_text(r, k, 0)),
			.sid = xstrdup(pg_text(r, k, 1)),
			.country = xstrdup(pg_text(r, k, 2)),
			.area_code = xstrdup(pg_text(r, k, 3)),
			.voice_ready = true,
			.sms_ready = pg_bool(r, k, 4),
			.problem = pg_null(r, k, 5) ? NULL : xstrdup(pg_text(r, k, 5)),
			.id = xstrdup(pg_text(r, k, 6)),
			.account = xstrdup(account),
		};
	}
	return 0;
}
