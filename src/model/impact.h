/* What customers feel, last 10 minutes against what was normal; < 0 = unknown. */
#ifndef RD_MODEL_IMPACT_H
#define RD_MODEL_IMPACT_H

#include "model/fields.h"

struct impact {
	double calls_ok, calls_ok_normal, sms_delivered, sms_delivered_normal;	/* 0..1 */
	int64_t calls_live, calls_n, sms_n;
	int64_t as_of_ms;
};
#define IMPACT_UNKNOWN ((struct impact){ -1, -1, -1, -1, -1, 0, 0, 0 })
extern const struct record_type impact_type;

#endif
