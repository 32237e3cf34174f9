/*
 * The log: JSON lines or plain lines to a file descriptor, level as the one
 * mutable global of the program. Never to a terminal that the console owns.
 * Every line passes log_redact: registered secrets are masked in raw, base64,
 * URL and JSON form.
 */
#ifndef RD_CORE_LOG_H
#define RD_CORE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_init(int fd, enum log_level level);
void log_write(enum log_level level, const char *area, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define log_debug(area, ...) log_write(LOG_DEBUG, area, __VA_ARGS__)
#define log_info(area, ...) log_write(LOG_INFO, area, __VA_ARGS__)
#define log_warn(area, ...) log_write(LOG_WARN, area, __VA_ARGS__)
#define log_error(area, ...) log_write(LOG_ERROR, area, __VA_ARGS__)

/* A second sink that sees each finished (redacted) line: the console's log view. */
void log_tap(void (*fn)(void *ctx, enum log_level level, const char *line), void *ctx);

#endif
