/* Double-checked locking: D. C. Schmidt, T. Harrison, PLoP 1996; D. Bacon et al., The "double-checked locking is broken"
   declaration, 2000. Broken: the pointer is published before what it points to is made. */
#include <stdatomic.h>
#include "classic.h"

struct thing { volatile int value; };
static struct thing only;
static _Atomic(struct thing *) instance;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct thing *get(void)
{
	if (instance == 0) {
		pthread_mutex_lock(&mutex);
		if (instance == 0) {
			if (BROKEN)
				instance = &only;
			only.value = 7;
			if (!BROKEN)
				instance = &only;
		}
		pthread_mutex_unlock(&mutex);
	}
	return instance;
}

static void *run(void *argument)
{
	(void)argument;
	assert(get()->value == 7);
	return 0;
}

int main(void)
{
	together(3, run);
	return 0;
}
