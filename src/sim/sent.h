/* What reached the services that only listen: mail, Slack, PagerDuty, webhooks. */
#ifndef RD_SIM_SENT_H
#define RD_SIM_SENT_H

#include "sim/request.h"

void sim_sent_add(struct sim *s, const char *kind, const char *to, const char *subject,
		  const char *body);
void sim_sent_clear(struct sim *s);
/* GET /_sim/sent?kind=&after=SEQ */
void sim_sent_write(struct sim *s, struct jw *w, const char *kind, int64_t after);
bool sim_mail_refused(const struct sim *s, const char *recipient);

#endif
