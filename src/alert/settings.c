/* Options of alerts; what fires when and who is told is the policy's. */
#include "alert/settings.h"

#include "core/mem.h"

#define DAY_MS INT64_C(86400000)
#define ROW(key, member, ...)                                                                      \
	{ .name = "alerts." key, .type = OPT_DURATION,                                             \
	  .offset = offsetof(struct alert_settings, member), __VA_ARGS__ }

static const struct option_row rows[] = {
	ROW("keep", keep_ms, .def = "90d", .min = DAY_MS, .max = 3650 * DAY_MS,
	    .help = "alerts that are over, and silences, are kept so long; those of an incident"
		    " stay with it"),
	ROW("receivedKeep", received_keep_ms, .def = "7d", .min = DAY_MS, .max = 90 * DAY_MS,
	    .help = "deliveries from outside, and what stood behind a received alert that is over,"
		    " are kept so long"),
	ROW("ackFor", ack_ms, .def = "8h", .min = 60000, .max = 30 * DAY_MS,
	    .help = "an acknowledgement runs out after this unless it says otherwise; what still"
		    " fires is told again"),
	ROW("remind", remind_ms, .def = "15m", .min = 0, .max = DAY_MS,
	    .help = "silences and acknowledgements are told so long before they end; a silence of"
		    " more than a day that hushes what fires, daily"),
};
const struct option_table alert_options = { "alerts", rows, COUNT_OF(rows),
					    sizeof(struct alert_settings) };
