/* What a configuration says about alerts; settings.c has ranges and defaults. */
#ifndef RD_ALERT_SETTINGS_H
#define RD_ALERT_SETTINGS_H

#include "core/config.h"

struct alert_settings {
	int64_t keep_ms;		/* alerts that are over, and silences */
	int64_t received_keep_ms;	/* deliveries, and members of what is over */
	int64_t ack_ms;			/* an acknowledgement that says no end */
	int64_t remind_ms;		/* told so long before a silence or one of these ends */
};
extern const struct option_table alert_options;

#endif
