/* A hash table that threads fill without locks: C. Flanagan, P. Godefroid, Dynamic partial-order reduction for model
   checking software, POPL 2005, the example "indexer". Broken: a place is found free, and then written. */
#include <stdatomic.h>
#include "classic.h"

enum { SIZE = 3 };
static atomic_int table[SIZE];

static void insert(int key)
{
	for (int at = key % SIZE;; at = (at + 1) % SIZE) {
#if BROKEN
		if (table[at] == 0) {
			table[at] = key;
			return;
		}
#else
		int none = 0;

		if (atomic_compare_exchange_strong(&table[at], &none, key))
			return;
#endif
	}
}

static void *run(void *argument)
{
	insert(1 + SIZE * (int)argument);
	return 0;
}

int main(void)
{
	int sum = 0;

	together(3, run);
	for (int i = 0; i < SIZE; i++)
		sum += table[i];
	assert(sum == 1 + 4 + 7);
	return 0;
}
