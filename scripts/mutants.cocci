// SPDX-License-Identifier: GPL-2.0-only
//
// The rules by which scripts/mutants breaks the engine. Each rule marks places with a macro, to which
// scripts/mutants.awk adds a number. Use this file without isomorphisms (with an empty --iso-file), so that
// each place keeps its form. A rule works on the result of the rules before it, and must not match
// inside of another match of the same rule.

// Delete a call whose result is not used. The rule is not for a call that only yields, a barrier that does
// nothing on x86, a lock that does nothing without preemption, or macros that only check something or
// declare a variable.
@@
identifier f != {cond_resched, smp_rmb, rcu_read_lock, rcu_read_unlock, BUILD_BUG_ON, WARN_ON_ONCE,
	DEFINE_FOLIO_VMA_WALK, LIST_HEAD};
expression list arguments;
@@
- f(arguments);
+ MUTATE_CALL(f(arguments));

// Ignore a condition: it is never true, or always.
@@
expression E;
statement S1, S2;
@@
  if (
- E
+ MUTATE_IF(E)
  ) S1 else S2

@@
expression E;
statement S1;
@@
  if (
- E
+ MUTATE_IF(E)
  ) S1

@@
expression A, B, C;
@@
- A
+ MUTATE_IF(A)
  ? B : C

// Drop one operand of && or ||. In A && B && C, do not drop A && B, the left operand of the last &&. The
// same holds for ||.
@@
expression A, B;
@@
  A &&
- B
+ MUTATE_TRUE(B)

@and@
expression A, B, C, X;
position p;
@@
  \( X@p \& A && B \) && C

@@
expression A, B;
position p != and.p;
@@
- A@p
+ MUTATE_TRUE(A)
  && B

@@
expression A, B;
@@
  A ||
- B
+ MUTATE_FALSE(B)

@or@
expression A, B, C, X;
position p;
@@
  \( X@p \& A || B \) || C

@@
expression A, B;
position p != or.p;
@@
- A@p
+ MUTATE_FALSE(A)
  || B

// Replace a comparison by one that is off by one, or by its opposite.
@@
expression A, B;
@@
(
- A == B
+ MUTATE_EQ(A, B)
|
- A != B
+ MUTATE_NE(A, B)
|
- A < B
+ MUTATE_LT(A, B)
|
- A <= B
+ MUTATE_LE(A, B)
|
- A > B
+ MUTATE_GT(A, B)
|
- A >= B
+ MUTATE_GE(A, B)
)

// Replace an errno by another one.
@@
@@
(
- -EPERM
+ MUTATE_ERRNO(-EPERM, -EACCES)
|
- -ENOENT
+ MUTATE_ERRNO(-ENOENT, -EFAULT)
|
- -EINTR
+ MUTATE_ERRNO(-EINTR, -EFAULT)
|
- -EIO
+ MUTATE_ERRNO(-EIO, -EBUSY)
|
- -EAGAIN
+ MUTATE_ERRNO(-EAGAIN, -EBUSY)
|
- -ENOMEM
+ MUTATE_ERRNO(-ENOMEM, -EBUSY)
|
- -EACCES
+ MUTATE_ERRNO(-EACCES, -EBUSY)
|
- -EFAULT
+ MUTATE_ERRNO(-EFAULT, -ENOENT)
|
- -EBUSY
+ MUTATE_ERRNO(-EBUSY, -ENOENT)
|
- -ENODEV
+ MUTATE_ERRNO(-ENODEV, -EINVAL)
|
- -EINVAL
+ MUTATE_ERRNO(-EINVAL, -EBUSY)
|
- -ENOSPC
+ MUTATE_ERRNO(-ENOSPC, -ENOMEM)
)

// BUILD_BUG_ON() needs a constant, so restore its condition.
@@
expression A, B;
@@
  BUILD_BUG_ON(
- MUTATE_GT(A, B)
+ A > B
  );
