/* Mach's threads: messages to the task's and the threads' ports, as MIG of Mach 2.5 makes them. */
#include "mach_call.h"
#include <string.h>

#define LIB __attribute__((weak))

#define PORT 0x06200018u        /* MSG_TYPE_PORT, 32 bits, one, inline */
#define LONG_INLINE 0x0000000cu /* the first word of a type in long form */
#define LONG_WORDS 0x00020020u  /* MSG_TYPE_INTEGER_32, 32 bits */

enum { TERMINATE = 2016, CREATE = 2061, SUSPEND, RESUME, ABORT, GET_STATE, SET_STATE };

struct state_message {
	msg_header_t head;
	struct typed first;
	unsigned int form, kind, count;
	int words[THREAD_STATE_MAX];
};

/* As many bytes as the message has before its words. */
enum { BEFORE_WORDS = sizeof(struct state_message) - THREAD_STATE_MAX * sizeof(int) };

LIB kern_return_t thread_create(task_t task, thread_t *thread)
{
	struct message m;
	kern_return_t failed = mach_call(task, CREATE, &m.head, sizeof m.head, sizeof m);

	if (failed)
		return failed;
	if (m.head.msg_size != sizeof m.head + 2 * sizeof(struct typed) || m.body[1].type != PORT)
		return MIG_TYPE_ERROR;
	*thread = (thread_t)m.body[1].value;
	return KERN_SUCCESS;
}

static kern_return_t plain(thread_t thread, int id)
{
	struct message m;

	return mach_call(thread, id, &m.head, sizeof m.head, sizeof m);
}

LIB kern_return_t thread_terminate(thread_t thread) { return plain(thread, TERMINATE); }
LIB kern_return_t thread_suspend(thread_t thread) { return plain(thread, SUSPEND); }
LIB kern_return_t thread_resume(thread_t thread) { return plain(thread, RESUME); }
LIB kern_return_t thread_abort(thread_t thread) { return plain(thread, ABORT); }

LIB kern_return_t thread_get_state(thread_t thread, int flavor, thread_state_t state, unsigned int *count)
{
	struct state_message m;
	unsigned int room = *count;
	kern_return_t failed;

	m.first.type = WORD;
	m.first.value = (unsigned int)flavor;
	failed = mach_call(thread, GET_STATE, &m.head, sizeof m.head + sizeof m.first, sizeof m);
	if (failed)
		return failed;
	if (m.form != LONG_INLINE || m.kind != LONG_WORDS || m.head.msg_size != BEFORE_WORDS + m.count * sizeof(int))
		return MIG_TYPE_ERROR;
	*count = m.count;
	memcpy(state, m.words, (m.count < room ? m.count : room) * sizeof(int));
	return m.count > room ? MIG_ARRAY_TOO_LARGE : KERN_SUCCESS;
}

LIB kern_return_t thread_set_state(thread_t thread, int flavor, thread_state_t state, unsigned int count)
{
	struct state_message m;

	if (count > THREAD_STATE_MAX)
		return MIG_ARRAY_TOO_LARGE;
	m.first.type = WORD;
	m.first.value = (unsigned int)flavor;
	m.form = LONG_INLINE;
	m.kind = LONG_WORDS;
	m.count = count;
	memcpy(m.words, state, count * sizeof(int));
	return mach_call(thread, SET_STATE, &m.head, BEFORE_WORDS + count * sizeof(int), sizeof m);
}
