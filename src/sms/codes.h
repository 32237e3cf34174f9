/* Twilio's error numbers in our own words, compiled in from twilio-error-codes.csv. */
#ifndef RD_SMS_CODES_H
#define RD_SMS_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sms_code {
	int64_t code;
	bool known;			/* in the table; else told by its range */
	char meaning[160], category[24], surface[16], retryable[16], signal[32], advice[200];
	char link[64];
};
void sms_code_find(int64_t code, struct sms_code *ret);

/* May a failed message with this code be sent again at all, and when not, why (static text)? */
bool sms_code_may_retry(int64_t code, const char **ret_why);

/* For tests: the i-th row of the table; false at its end. */
bool sms_code_at(size_t i, struct sms_code *ret);

#endif
