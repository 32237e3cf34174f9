/* What a configuration says about alerts. */
#ifndef RD_ALERT_SETTINGS_H
#define RD_ALERT_SETTINGS_H

#include "core/config.h"

struct alert_settings {
	int64_t keep_ms, received_keep_ms, ack_ms, remind_ms;
};
extern const struct option_table alert_options;

#endif
