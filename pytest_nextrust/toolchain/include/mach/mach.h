#ifndef _MACH_MACH_H
#define _MACH_MACH_H
#include <mach/message.h>
typedef port_t task_t;
typedef port_t thread_t;
typedef unsigned int vm_address_t;
typedef unsigned int vm_size_t;
typedef int vm_prot_t;
typedef int boolean_t;
#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif
#define VM_PROT_NONE 0
#define VM_PROT_READ 1
#define VM_PROT_WRITE 2
#define VM_PROT_EXECUTE 4
#define VM_PROT_ALL 7
task_t task_self(void);
thread_t thread_self(void);
port_t thread_reply(void);
port_t task_notify(void);
port_t host_self(void);
#include <mach/thread_status.h>
#define THREAD_STATE_MAX 1024
/* A thread that has no registers yet; it begins when it is resumed. It cannot be joined. */
kern_return_t thread_create(task_t task, thread_t *thread);
kern_return_t thread_terminate(thread_t thread);
kern_return_t thread_suspend(thread_t thread);
kern_return_t thread_resume(thread_t thread);
kern_return_t thread_abort(thread_t thread);
kern_return_t thread_get_state(thread_t thread, int flavor, thread_state_t state, unsigned int *count);
kern_return_t thread_set_state(thread_t thread, int flavor, thread_state_t state, unsigned int count);
kern_return_t vm_allocate(task_t task, vm_address_t *address, vm_size_t size, boolean_t anywhere);
kern_return_t vm_deallocate(task_t task, vm_address_t address, vm_size_t size);
kern_return_t vm_protect(task_t task, vm_address_t address, vm_size_t size, boolean_t maximum, vm_prot_t protection);
kern_return_t port_allocate(task_t task, port_t *port);
kern_return_t port_deallocate(task_t task, port_t port);
kern_return_t map_fd(int fd, unsigned int offset, vm_address_t *address, boolean_t anywhere, vm_size_t size);
boolean_t swtch(void);
boolean_t swtch_pri(int priority);
int thread_switch(thread_t thread, int option, int time);
void *ur_cthread_self(void);
void cthread_set_self(void *self);
void cache_flush(void);
#endif
