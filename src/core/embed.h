/*
 * Files compiled in: EMBED(name, "path/from/the/root") defines name_start and
 * name_end around the bytes; a NUL follows. Makefile rebuilds on a change of the file.
 */
#ifndef RD_CORE_EMBED_H
#define RD_CORE_EMBED_H

#define EMBED(name, path)                                                                          \
	__asm__(".section .rodata\n"                                                               \
		".balign 16\n"                                                                     \
		".global " #name "_start\n" #name "_start:\n"                                      \
		".incbin \"" path "\"\n"                                                           \
		".global " #name "_end\n" #name "_end:\n"                                          \
		".byte 0\n"                                                                        \
		".previous\n");                                                                    \
	extern const char name##_start[];                                                          \
	extern const char name##_end[]

#endif
