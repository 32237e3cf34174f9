/* Shared libraries that are loaded when they are first needed. */
#ifndef RD_CORE_SOLIB_H
#define RD_CORE_SOLIB_H

/* Fills table[i] with names[i] of the library; ends the program when it cannot. */
void solib_load(const char *soname, const char *const *names, void (**table)(void), int n);

#endif
