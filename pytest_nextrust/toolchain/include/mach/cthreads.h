#ifndef _MACH_CTHREADS_H
#define _MACH_CTHREADS_H
/* Mach's C threads, by the names and meanings of NeXT's header, over kernel threads: see runtime/cthreads.c. */
#include <mach/mach.h>

typedef void *any_t;
typedef any_t (*cthread_fn_t)(any_t);
typedef struct cthread { const char *name; any_t data; } *cthread_t;
typedef struct mutex { volatile int owner; const char *name; } *mutex_t;
typedef struct condition { volatile int waiting; const char *name; } *condition_t;
typedef int spin_lock_t;

#define NO_CTHREAD ((cthread_t)0)
#define MUTEX_INITIALIZER { 0, 0 }
#define CONDITION_INITIALIZER { 0, 0 }
#define SPIN_LOCK_INITIALIZER 0

cthread_t cthread_fork(cthread_fn_t function, any_t argument);
any_t cthread_join(cthread_t thread);
void cthread_detach(cthread_t thread);
void cthread_exit(any_t value) __attribute__((noreturn));
cthread_t cthread_self(void);
void cthread_yield(void);
void cthread_set_data(cthread_t thread, any_t data);
any_t cthread_data(cthread_t thread);
void cthread_set_name(cthread_t thread, const char *name);
const char *cthread_name(cthread_t thread);
void cthread_init(void);

mutex_t mutex_alloc(void);
void mutex_init(mutex_t mutex);
void mutex_clear(mutex_t mutex);
void mutex_free(mutex_t mutex);
void mutex_lock(mutex_t mutex);
int mutex_try_lock(mutex_t mutex);
void mutex_unlock(mutex_t mutex);
#define mutex_set_name(mutex, text) ((mutex)->name = (text))
#define mutex_name(mutex) ((mutex)->name)

condition_t condition_alloc(void);
void condition_init(condition_t condition);
void condition_clear(condition_t condition);
void condition_free(condition_t condition);
void condition_wait(condition_t condition, mutex_t mutex);
void condition_signal(condition_t condition);
void condition_broadcast(condition_t condition);
#define condition_set_name(condition, text) ((condition)->name = (text))
#define condition_name(condition) ((condition)->name)

void spin_lock_init(spin_lock_t *lock);
void spin_lock(spin_lock_t *lock);
int spin_try_lock(spin_lock_t *lock);
void spin_unlock(spin_lock_t *lock);
#endif
