/* What each thread holds, and how often: of recursive mutexes and locks of readers and writers. */
#include "thread_library.h"

enum { MOST = 16 };

static struct { const volatile void *object; int times; } held[NEXTRUST_SLOTS][MOST];

LIB int __held(const volatile void *object)
{
	int slot = nextrust_thread_self(), i;

	for (i = 0; i < MOST; i++)
		if (held[slot][i].times && held[slot][i].object == object)
			return held[slot][i].times;
	return 0;
}

LIB void __hold(const volatile void *object, int times)
{
	int slot = nextrust_thread_self(), i, place = -1;

	for (i = MOST; i-- > 0;) {
		if (!held[slot][i].times)
			place = i;
		else if (held[slot][i].object == object) {
			place = i;
			break;
		}
	}
	if (place < 0)
		nextrust_misuse("a thread holds more than 16 recursive mutexes and reader-writer locks at once", object);
	held[slot][place].object = times ? object : 0;
	held[slot][place].times = times;
}
