/* Shared libraries that are loaded when they are first needed. */
#ifndef RD_CORE_SOLIB_H
#define RD_CORE_SOLIB_H

/* Fills table[i] with names[i] of the library; ends the program when it cannot. */
void solib_load(const char *soname, const char *const *names, void (**table)(void), int n);

/*
 * For a file that stands in for a library: FUNCTIONS(F, V) lists its functions, those that
 * return nothing as V; enum { ... I_N } and names[] are made of it in the same order.
 */
#define F_NAME(ret, name, params, args) #name,
#define V_NAME(name, params, args) #name,
#define F_INDEX(ret, name, params, args) I_##name,
#define V_INDEX(name, params, args) I_##name,
#define SOLIB_FIND(soname)                                                                         \
	static void (*table[I_N])(void);                                                           \
	static void (*find(int i))(void)                                                           \
	{                                                                                          \
		if (!table[i])                                                                     \
			solib_load(soname, names, table, I_N);                                     \
		return table[i];                                                                   \
	}
#define F_BODY(ret, name, params, args)                                                            \
	ret name params                                                                            \
	{                                                                                          \
		return((ret(*) params)find(I_##name)) args;                                        \
	}
#define V_BODY(name, params, args)                                                                 \
	void name params                                                                           \
	{                                                                                          \
		((void(*) params)find(I_##name)) args;                                             \
	}

#endif
