/* H. R. Simpson, Four-slot fully asynchronous communication mechanism, IEE Proceedings E 137(1), 1990: nobody waits, and
   nobody sees half a message. Broken: the writer does not stay away from the pair that is being read. */
#include "classic.h"

static volatile int data[2][2][2], slot[2], latest, reading;

static void written(int value)
{
	int pair = BROKEN ? !latest : !reading, index = !slot[pair];

	data[pair][index][0] = value;
	data[pair][index][1] = value;
	slot[pair] = index;
	latest = pair;
}

static void read_once(void)
{
	int pair = latest;

	reading = pair;
	int index = slot[pair], first = data[pair][index][0];

	assert(data[pair][index][1] == first);
}

static void *run(void *argument)
{
	if ((int)argument == 0) {
		for (int value = 1; value <= 4; value++)
			written(value);
	} else {
		read_once();
		read_once();
	}
	return 0;
}

int main(void)
{
	together(2, run);
	return 0;
}
