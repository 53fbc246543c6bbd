/* The heap. Every thread has its own, by slot, and blocks that it frees are its own from then on: no two threads touch
   one word of what is kept of them, but for what stands in a block itself. */
#include <errno.h>
#include <mach/mach.h>
#include <nextrust.h>
#include <stdlib.h>
#include <string.h>

#define LIB __attribute__((weak))

/* On a NeXT and on the machine: blocks in address order within arenas of vm_allocate, each with its size in front;
   first fit, neighbours joined. */
struct block {
	size_t size;
	struct block *next;
};

#define HEAD (sizeof(struct block))
#define ARENA 0x10000u

static struct block *free_blocks[NEXTRUST_SLOTS];

static void join(struct block *block)
{
	struct block *next = block->next;

	if (next && (char *)(block + 1) + block->size == (char *)next) {
		block->size += HEAD + next->size;
		block->next = next->next;
	}
}

static void put_back(struct block **list, struct block *block)
{
	struct block *before = 0, *after = *list;

	while (after && after < block) {
		before = after;
		after = after->next;
	}
	block->next = after;
	join(block);
	if (before) {
		before->next = block;
		join(before);
	} else
		*list = block;
}

static int more(struct block **list, size_t need)
{
	vm_address_t address = 0;
	size_t size = (need + ARENA - 1) & ~(size_t)(ARENA - 1);
	struct block *block;

	if (size < need || vm_allocate(task_self(), &address, size, TRUE) != KERN_SUCCESS)
		return 0;
	block = (struct block *)address;
	block->size = size - HEAD;
	put_back(list, block);
	return 1;
}

static void *fitting(struct block **list, size_t need)
{
	struct block **at, *block, *rest;

	for (at = list; (block = *at); at = &block->next)
		if (block->size >= need) {
			if (block->size > need + HEAD) {
				rest = (struct block *)((char *)(block + 1) + need);
				rest->size = block->size - need - HEAD;
				rest->next = block->next;
				block->size = need;
				*at = rest;
			} else
				*at = block->next;
			return block + 1;
		}
	return 0;
}

static void *allocated(size_t need)
{
	struct block **list = &free_blocks[nextrust_thread_self()];
	void *found;

	while (!(found = fitting(list, need)))
		if (!more(list, need + HEAD))
			return 0;
	return found;
}

/* In an exploration: a slot's memory is 256 KiB at a multiple of that. At its begin is a page for every size that is a
   power of two, so that an address says how large its block is; what is larger, or finds no room there, is behind
   these in pages with its size in front. What was freed last is used first, by the thread that freed it. */
enum { HEAP = 0x40000, PAGE = 4096, LEAST = 16, SIZES = 8, LARGE = SIZES };

struct freed {
	struct freed *next;
};

static struct {
	unsigned int used[SIZES + 1];
	struct freed *freed[SIZES + 1];
} heaps[NEXTRUST_SLOTS];

static size_t size_at(const void *p)
{
	unsigned int region = ((unsigned int)p & (HEAP - 1)) / PAGE;

	return region < SIZES ? (size_t)LEAST << region : ((const struct block *)p)[-1].size;
}

/* So much more of a part of the thread's own memory; the kernel has the first bytes of all. */
static char *fresh(int slot, int part, size_t size)
{
	unsigned int room = part == LARGE ? HEAP - SIZES * PAGE : PAGE, *used = &heaps[slot].used[part];
	unsigned int begin = *used ? *used : part == 0 ? LEAST : 0;

	if (size > room - begin)
		return 0;
	*used = begin + size;
	return (char *)((nextrust_heap(0) & ~(HEAP - 1u)) + (unsigned int)part * PAGE + begin);
}

static void *taken_large(int slot, size_t need)
{
	size_t size = (need + HEAD + PAGE - 1) & ~(size_t)(PAGE - 1);
	struct freed **at, *found;
	struct block *block;

	for (at = &heaps[slot].freed[LARGE]; (found = *at); at = &found->next)
		if (size_at(found) >= need) {
			*at = found->next;
			return found;
		}
	block = (struct block *)fresh(slot, LARGE, size);
	if (!block)
		return 0;
	block->size = size - HEAD;
	return block + 1;
}

static void *taken(size_t need)
{
	int slot = nextrust_thread_self(), part;

	for (part = 0; part < SIZES; part++)
		if ((size_t)LEAST << part >= need) {
			struct freed *found = heaps[slot].freed[part];

			if (!found)
				found = (struct freed *)fresh(slot, part, (size_t)LEAST << part);
			else
				heaps[slot].freed[part] = found->next;
			if (found)
				return found;
		}
	return taken_large(slot, need);
}

static void give_back(void *p)
{
	unsigned int region = ((unsigned int)p & (HEAP - 1)) / PAGE;
	struct freed **list = &heaps[nextrust_thread_self()].freed[region < SIZES ? region : LARGE], *freed = p;

	freed->next = *list;
	*list = freed;
}

static int is_explored(void)
{
	return nextrust_thread_kind() == NEXTRUST_EXPLORED;
}

LIB void *malloc(size_t n)
{
	size_t need = (n + HEAD - 1) & ~(HEAD - 1);
	void *found = 0;

	if (!need)
		need = HEAD;
	if (need >= n && need <= 0x7fff0000)
		found = is_explored() ? taken(need) : allocated(need);
	if (!found)
		errno = ENOMEM;
	return found;
}

LIB void free(void *p)
{
	if (!p)
		return;
	if (is_explored())
		give_back(p);
	else
		put_back(&free_blocks[nextrust_thread_self()], (struct block *)p - 1);
}

LIB void *calloc(size_t count, size_t n)
{
	size_t size;
	void *p;

	if (__builtin_mul_overflow(count, n, &size)) {
		errno = ENOMEM;
		return 0;
	}
	p = malloc(size);
	return p ? memset(p, 0, size) : 0;
}

LIB void *realloc(void *p, size_t n)
{
	void *moved;
	size_t old;

	if (!p)
		return malloc(n);
	old = is_explored() ? size_at(p) : ((struct block *)p - 1)->size;
	if (n <= old)
		return p;
	moved = malloc(n);
	if (!moved)
		return 0;
	memcpy(moved, p, old);
	free(p);
	return moved;
}
