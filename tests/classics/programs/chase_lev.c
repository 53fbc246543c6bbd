/* A deque for work stealing: D. Chase, Y. Lev, Dynamic circular work-stealing deque, SPAA 2005.
   Broken: the owner takes the last piece without racing the thief for it. */
#include <stdatomic.h>
#include "classic.h"

enum { SIZE = 4 };
static atomic_int top, bottom, done[SIZE];
static volatile int work[SIZE];

static void push(int piece)
{
	int at = bottom;

	work[at % SIZE] = piece;
	bottom = at + 1;
}

static int popped(void)
{
	int at = bottom - 1;

	bottom = at;
	int first = top;

	if (at < first) {
		bottom = first;
		return -1;
	}
	int piece = work[at % SIZE];

	if (at > first)
		return piece;
	if (!BROKEN && !atomic_compare_exchange_strong(&top, &first, first + 1))
		piece = -1;
	bottom = at + 1;
	if (BROKEN)
		top = at + 1;
	return piece;
}

static int stolen(void)
{
	int first = top;

	if (bottom <= first)
		return -1;
	int piece = work[first % SIZE];

	return atomic_compare_exchange_strong(&top, &first, first + 1) ? piece : -1;
}

static void work_on(int piece)
{
	if (piece >= 0)
		assert(atomic_fetch_add(&done[piece], 1) == 0);
}

static void *run(void *argument)
{
	if ((int)argument == 0) {
		push(0);
		push(1);
		work_on(popped());
		work_on(popped());
	} else {
		work_on(stolen());
		work_on(stolen());
	}
	return 0;
}

int main(void)
{
	together(2, run);
	work_on(popped());
	assert(done[0] == 1 && done[1] == 1);
	return 0;
}
