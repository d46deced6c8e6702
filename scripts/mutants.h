/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Macros for the engine with all its mutants (see scripts/mutants): mutant=N on
 * the kernel's command line chooses one mutant, and 0 none. A condition is
 * evaluated before its result is ignored. The section .discard.mutants has the
 * numbers of the mutants that the compiler has kept.
 */
#ifndef _MUTANTS_H
#define _MUTANTS_H

extern unsigned int mutant;

#define MUTANT(_n)							\
({									\
	asm volatile(".pushsection .discard.mutants; .long %c0; .popsection" \
		     :: "i" (_n));					\
	mutant == (_n);							\
})

static __always_inline bool mutate(bool condition, bool mutated, bool result)
{
	return mutated ? result : condition;
}

#define MUTATE_CALL(_n, ...)						\
	do {								\
		if (!MUTANT(_n))					\
			__VA_ARGS__;					\
	} while (0)
#define MUTATE_TRUE(_n, _a)	mutate(_a, MUTANT(_n), true)
#define MUTATE_FALSE(_n, _a)	mutate(_a, MUTANT(_n), false)
#define MUTATE_IF(_n, _a)						\
	mutate(mutate(_a, MUTANT(_n), false), MUTANT((_n) + 1), true)
#define MUTATE_EQ(_n, _a, _b)	(MUTANT(_n) ? (_a) != (_b) : (_a) == (_b))
#define MUTATE_NE(_n, _a, _b)	(MUTANT(_n) ? (_a) == (_b) : (_a) != (_b))
#define MUTATE_LT(_n, _a, _b)	(MUTANT(_n) ? (_a) <= (_b) : (_a) < (_b))
#define MUTATE_LE(_n, _a, _b)	(MUTANT(_n) ? (_a) < (_b) : (_a) <= (_b))
#define MUTATE_GT(_n, _a, _b)	(MUTANT(_n) ? (_a) >= (_b) : (_a) > (_b))
#define MUTATE_GE(_n, _a, _b)	(MUTANT(_n) ? (_a) > (_b) : (_a) >= (_b))
#define MUTATE_ERRNO(_n, _a, _b) (MUTANT(_n) ? (_b) : (_a))

#endif /* _MUTANTS_H */
