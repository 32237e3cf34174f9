/* Field table of the impact figures; see impact.h. */
#include "model/impact.h"

static const struct field fields[] = {
	FIELD(impact, calls_ok, "callsOk", "CALLS OK", F_DOUBLE),
	FIELD(impact, calls_ok_normal, "callsOkNormal", "WAS", F_DOUBLE),
	FIELD(impact, sms_delivered, "smsDelivered", "SMS DELIVERED", F_DOUBLE),
	FIELD(impact, sms_delivered_normal, "smsDeliveredNormal", "WAS", F_DOUBLE),
	FIELD(impact, calls_live, "callsLive", "LIVE", F_I64),
	FIELD(impact, calls_n, "callsN", "N", F_I64),
	FIELD(impact, sms_n, "smsN", "N", F_I64),
	FIELD(impact, as_of_ms, "asOf", "AS OF", F_TIME),
};
RECORD_TYPE(impact_type, "impact", impact, fields);
