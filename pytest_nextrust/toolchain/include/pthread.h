#ifndef _PTHREAD_H
#define _PTHREAD_H
typedef int pthread_t;
typedef struct { int detached; } pthread_attr_t;
typedef struct { volatile int owner; int type, count; } pthread_mutex_t;
typedef struct { int type; } pthread_mutexattr_t;
typedef struct { volatile int waiting; } pthread_cond_t;
typedef int pthread_condattr_t;
#define PTHREAD_MUTEX_INITIALIZER { 0, 0, 0 }
#define PTHREAD_COND_INITIALIZER { 0 }
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument);
int pthread_join(pthread_t thread, void **value);
int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr);
int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int pthread_cond_signal(pthread_cond_t *cond);
int pthread_cond_broadcast(pthread_cond_t *cond);
#endif
