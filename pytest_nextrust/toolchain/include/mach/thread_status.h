#ifndef _MACH_THREAD_STATUS_H
#define _MACH_THREAD_STATUS_H
/* A thread's registers as NeXT's 68000 kernel gives them. */
#define NeXT_THREAD_STATE_REGS 1
struct NeXT_thread_state_regs {
	int dreg[8];
	int areg[8];
	short pad0;
	short sr;
	int pc;
};
#define NeXT_THREAD_STATE_REGS_COUNT (sizeof(struct NeXT_thread_state_regs) / sizeof(int))
typedef int *thread_state_t;
#endif
