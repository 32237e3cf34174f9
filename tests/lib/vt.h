/*
 * A terminal for tests: a program in a pty, its output interpreted by libvterm, so that
 * a test sees what a person would. Every wait has a deadline; nothing sleeps.
 */
#ifndef RD_TESTS_VT_H
#define RD_TESTS_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct vt;

/* argv and "K=V" lists end with NULL; env replaces ours. */
struct vt *vt_start(const char *const *argv, const char *const *env, int w, int h);
void vt_free(struct vt *v);			/* kills what still runs */
pid_t vt_pid(const struct vt *v);

/* Reads until the text is on the screen / gone from it; false after ms. */
bool vt_wait(struct vt *v, const char *text, int ms);
bool vt_wait_gone(struct vt *v, const char *text, int ms);
/* Reads until the program has sent these bytes, or any (""), since the last vt_mark. */
bool vt_wait_raw(struct vt *v, const char *bytes, int ms);
/* Reads until nothing has come for quiet_ms (at most ms). */
void vt_settle(struct vt *v, int quiet_ms, int ms);
/* The screen as lines, trailing blanks cut; valid until the next call. */
const char *vt_screen(struct vt *v);
const char *vt_row(struct vt *v, int y);
bool vt_has(struct vt *v, const char *text);
void vt_cursor(struct vt *v, int *ret_x, int *ret_y);

void vt_send(struct vt *v, const char *keys);
void vt_send_n(struct vt *v, const void *bytes, size_t n);
void vt_resize(struct vt *v, int w, int h);
void vt_hangup(struct vt *v);			/* closes the master */
/* Exit status, 128 + signal, or -1 after ms. */
int vt_wait_exit(struct vt *v, int ms);

/* Everything the program sent since the last vt_mark. */
const unsigned char *vt_raw(const struct vt *v, size_t *ret_n);
void vt_mark(struct vt *v);
/* Modes as left by the program: alternate screen, cursor hidden, bracketed paste. */
bool vt_alt_screen(const struct vt *v);
bool vt_cursor_visible(const struct vt *v);
bool vt_paste_mode(const struct vt *v);
/* The line discipline echoes and waits for lines, as it was at the start. */
bool vt_cooked(const struct vt *v);

#endif
