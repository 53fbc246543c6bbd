#undef assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition) \
	((condition) ? (void)0 : __assert_fail(__FILE__ ":" __ASSERT_AT(__LINE__) ": failed assertion `" #condition "'"))
#endif
#ifndef _ASSERT_H
#define _ASSERT_H
/* The text is made by the compiler: to make one would be thousands of steps of an exploration. */
#define __ASSERT_AT(line) __ASSERT_TEXT(line)
#define __ASSERT_TEXT(line) #line
void __assert_fail(const char *text) __attribute__((noreturn));
#if !defined(__cplusplus) && !defined(static_assert) && __STDC_VERSION__ < 202311L
#define static_assert _Static_assert
#endif
#endif
