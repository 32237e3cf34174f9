/* Life of the SMS part of an engine; see sms.h. */
#include "sms/sms.h"

#include <stdlib.h>

#include "core/mem.h"
#include "sms/internal.h"

struct sms *sms_new(const struct sms_deps *d)
{
	struct sms *s = xcalloc(1, sizeof(*s));

	s->d = *d;
	for (int i = 0; i < 2 * SMS_SOURCES; i++)
		s->counts[i / 2][i % 2] = sms_counts_new((enum sms_source)(i / 2), i % 2);
	return s;
}

void sms_stop(struct sms *s)
{
	if (s)
		s->stopping = true;
}

bool sms_idle(const struct sms *s)
{
	return !s || s->jobs == 0;
}

void sms_free(struct sms *s)
{
	if (!s || s->jobs) /* a retry that did not end in time still uses it; the process ends */
		return;
	for (int i = 0; i < 2 * SMS_SOURCES; i++)
		sms_counts_free(s->counts[i / 2][i % 2]);
	sms_failures_free(s->failed, s->n_failed);
	free(s);
}
