/* Variables that each thread has of its own (_Thread_local): a thread's block is copied from the program's when the
   thread first asks for one, and given up when its slot begins the next thread. */
#include "thread_library.h"
#include <stdlib.h>
#include <string.h>

/* The addresses of these two are numbers of bytes: what is copied, and the whole block, whose rest is zero. */
extern char __tls_image[], __tls_filled[], __tls_size[];
void *__m68k_read_tp(void);

/* The thread pointer lies so far into a block, whose first 64 KiB then are within 16 bits of it (TLS ABI of the m68k). */
enum { POINTER = 0x7000 };

static char *blocks[NEXTRUST_SLOTS];

/* A NeXT answers that the caller is in slot 4, always. */
LIB void *__m68k_read_tp(void)
{
	int slot = nextrust_thread_self();
	char *block = blocks[slot];

	if (!block) {
		block = calloc(1, (size_t)__tls_size);
		if (!block)
			abort();
		memcpy(block, __tls_image, (size_t)__tls_filled);
		blocks[slot] = block;
	}
	return block + POINTER;
}

LIB void __begin_locals(void)
{
	int slot = nextrust_thread_self();

	free(blocks[slot]);
	blocks[slot] = 0;
}
