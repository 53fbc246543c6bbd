/* The Mach calls that are messages to the task port, as MIG of Mach 2.5 makes them: one simple message of typed 32-bit
   values by msg_rpc, answered on the thread's reply port with the request's id + 100. */
#include "mach_call.h"

#define LIB __attribute__((weak))

enum { ALLOCATE = 2021, DEALLOCATE = 2023, PROTECT = 2024, PORT_ALLOCATE = 2076, PORT_DEALLOCATE = 2077 };

LIB kern_return_t mach_call(port_t to, int id, msg_header_t *message, unsigned int size, unsigned int room)
{
	struct message *m = (struct message *)message;
	msg_return_t sent;

	message->msg_unused = 0;
	message->msg_simple = 1;
	message->msg_size = size;
	message->msg_type = MSG_TYPE_RPC;
	message->msg_local_port = thread_reply();
	message->msg_remote_port = to;
	message->msg_id = id;
	sent = msg_rpc(message, MSG_OPTION_NONE, size, room, 0, 0);
	if (sent != MSG_SUCCESS)
		return sent;
	if (message->msg_id != id + 100)
		return MIG_REPLY_MISMATCH;
	return m->body[0].type == WORD ? (kern_return_t)m->body[0].value : MIG_TYPE_ERROR;
}

/* Send count values; the reply's return code, and its value in *answer where there is one. */
static kern_return_t call(port_t to, int id, struct message *m, int count, unsigned int *answer)
{
	unsigned int size = sizeof m->head + (unsigned int)count * sizeof(struct typed);
	unsigned int whole = sizeof m->head + sizeof(struct typed) * (answer ? 2 : 1);
	kern_return_t failed = mach_call(to, id, &m->head, size, sizeof *m);

	if (failed)
		return failed;
	if (m->head.msg_size != whole || (answer && m->body[1].type != WORD))
		return MIG_TYPE_ERROR;
	if (answer)
		*answer = m->body[1].value;
	return KERN_SUCCESS;
}

static void put(struct typed *at, unsigned int type, unsigned int value)
{
	at->type = type;
	at->value = value;
}

LIB kern_return_t vm_allocate(task_t task, vm_address_t *address, vm_size_t size, boolean_t anywhere)
{
	struct message m;

	put(&m.body[0], WORD, *address);
	put(&m.body[1], WORD, size);
	put(&m.body[2], BOOLEAN, (unsigned int)anywhere);
	return call(task, ALLOCATE, &m, 3, address);
}

LIB kern_return_t vm_deallocate(task_t task, vm_address_t address, vm_size_t size)
{
	struct message m;

	put(&m.body[0], WORD, address);
	put(&m.body[1], WORD, size);
	return call(task, DEALLOCATE, &m, 2, 0);
}

LIB kern_return_t vm_protect(task_t task, vm_address_t address, vm_size_t size, boolean_t maximum, vm_prot_t protection)
{
	struct message m;

	put(&m.body[0], WORD, address);
	put(&m.body[1], WORD, size);
	put(&m.body[2], BOOLEAN, (unsigned int)maximum);
	put(&m.body[3], WORD, (unsigned int)protection);
	return call(task, PROTECT, &m, 4, 0);
}

LIB kern_return_t port_allocate(task_t task, port_t *port)
{
	struct message m;

	return call(task, PORT_ALLOCATE, &m, 0, (unsigned int *)port);
}

LIB kern_return_t port_deallocate(task_t task, port_t port)
{
	struct message m;

	put(&m.body[0], WORD, (unsigned int)port);
	return call(task, PORT_DEALLOCATE, &m, 1, 0);
}

/* What GNU C calls when it has written code: the trampoline of a nested function, on the stack. libgcc's own makes a
   system call of Linux. As NeXT's compiler did it: the memory becomes executable, and the caches are flushed. Where the
   memory may not become executable, running it faults, which says more than an error here. */
LIB void __clear_cache(void *begin, void *end)
{
	vm_address_t from = (vm_address_t)begin;

	if ((vm_address_t)end > from)
		vm_protect(task_self(), from, (vm_address_t)end - from, FALSE, VM_PROT_ALL);
	cache_flush();
}
