#ifndef _NEXTRUST_H
#define _NEXTRUST_H
/* What a concurrent program may ask of an exploration, and the calls of kernel threads below the thread libraries. */

/* Any number below n, at most 16: an exploration tries every one, a run takes one. */
int nextrust_choose(int n);
/* Give this run up unless the condition holds. */
int nextrust_assume(int condition);
int nextrust_fail(const char *text);

#define nextrust_assert(condition, text) ((condition) ? (void)0 : (void)nextrust_fail(text))

enum { NEXTRUST_EXPLORED = 0x4e58, NEXTRUST_MACHINE = 0x4e59 };
/* Who serves: one of the above, or 4 on a NeXT. */
int nextrust_thread_kind(void);
int nextrust_thread_self(void);
void nextrust_thread_begin(void);
int nextrust_thread_spawn(void (*pc)(void), void *stack, void *function, void *argument);
int nextrust_thread_create(void);
int nextrust_thread_set_state(int slot, const unsigned int *state);
int nextrust_thread_resume(int slot);
int nextrust_thread_suspend(int slot);
int nextrust_thread_terminate(int slot);
void nextrust_thread_end(void *value) __attribute__((noreturn));
unsigned int nextrust_thread_join(int slot);
int nextrust_thread_detach(int slot);
int nextrust_thread_status(int slot);
int nextrust_wait_while(volatile int *at, int value);
int nextrust_acquire(volatile int *at, int free, int mine);
int nextrust_wait_or_timeout(volatile int *at, int value);
int nextrust_wait_mask(volatile int *at, int mask);
int nextrust_wait_mask_or_timeout(volatile int *at, int mask);
unsigned int nextrust_heap(unsigned int size);
int nextrust_cas(volatile int *at, int old, int new_value);
void nextrust_set_bits(volatile int *at, int bits);
#endif
