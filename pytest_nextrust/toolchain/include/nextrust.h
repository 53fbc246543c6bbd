#ifndef _NEXTRUST_H
#define _NEXTRUST_H
/* What a concurrent program may ask of an exploration, and the calls of kernel threads below the thread libraries. */

/* Any number below n: an exploration tries every one, a run takes one. */
int nextrust_choose(int n);
/* Give this run up unless the condition holds. */
int nextrust_assume(int condition);
/* This run is wrong, for the reason that the text gives. */
void nextrust_fail(const char *text);
/* The same, about what is at an address. */
void nextrust_misuse(const char *text, const volatile void *object);

#define nextrust_assert(condition, text) ((condition) ? (void)0 : nextrust_fail(text))

enum { NEXTRUST_EXPLORED = 0x4e58, NEXTRUST_MACHINE = 0x4e59, NEXTRUST_SLOTS = 16 };
/* Who serves: one of the above, or 4 on a NeXT. */
int nextrust_thread_kind(void);
/* The caller's slot; 4 on a NeXT. */
int nextrust_thread_self(void);
int nextrust_thread_spawn(void (*pc)(void), void *stack, void *function, void *argument);
int nextrust_thread_create(void);
int nextrust_thread_set_state(int slot, const unsigned int *state);
int nextrust_thread_get_state(int slot, unsigned int *state);
int nextrust_thread_resume(int slot);
int nextrust_thread_suspend(int slot);
int nextrust_thread_terminate(int slot);
void nextrust_thread_end(void *value) __attribute__((noreturn));
/* KERN_SUCCESS; 4 where there is no such thread, 5 for one that is detached. */
int nextrust_thread_join(int slot, void **value);
int nextrust_thread_detach(int slot);
int nextrust_thread_status(int slot);
int nextrust_wait_while(volatile int *at, int value);
int nextrust_acquire(volatile int *at, int free, int mine);
int nextrust_claim(volatile int *at, int mask, int bits);
int nextrust_take(volatile int *at);
int nextrust_wait_or_timeout(volatile int *at, int value);
int nextrust_wait_mask(volatile int *at, int mask);
int nextrust_wait_mask_or_timeout(volatile int *at, int mask);
int nextrust_wait_alone(int slot);
int nextrust_choose_few(int n);
int nextrust_fail_of(const char *text, const volatile void *object);
unsigned int nextrust_heap(unsigned int size);

/* Single instructions. */
int nextrust_cas(volatile int *at, int old, int new_value);
void nextrust_set_bits(volatile int *at, int bits);
void nextrust_keep_bits(volatile int *at, int bits);
void nextrust_add(volatile int *at, int n);
#endif
