/*
 * Last rites: giving the terminal back however the process ends. What has to be written
 * is made beforehand; the rest is async-signal-safe.
 */
#ifndef RD_UI_RITES_H
#define RD_UI_RITES_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

/* The bytes that undo our modes (copied, at most 256). */
void rites_prepare(const char *bytes, size_t n);
/* From now on the terminal of fd needs them, and these line settings. */
void rites_arm(int fd, const struct termios *saved);
void rites_disarm(void);
/* Restores once if armed; also from a signal handler. Keeps errno. */
void rites_restore(void);

/* Handlers for TERM, HUP, INT, QUIT and crashes: restore, then the signal's own effect.
 * wake_fd >= 0: the first of TERM, HUP, INT, QUIT writes its number there instead. */
void rites_signals_take(int wake_fd);
void rites_signals_give_back(void);

#endif
