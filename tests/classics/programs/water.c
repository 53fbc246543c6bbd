/* Building water of two hydrogen and one oxygen: G. R. Andrews, Concurrent programming, 1991; Downey, 2008, 5.6.
   Broken: a hydrogen takes part as soon as oxygen is there, with no other of its kind. */
#include <semaphore.h>
#include "classic.h"

static sem_t mutex, hydrogen_turn, oxygen_turn;
static int hydrogen, oxygen, bonded_hydrogen, bonded_oxygen;

static void bond_if_complete(void)
{
	if (oxygen < 1 || hydrogen < (BROKEN ? 1 : 2))
		return;
	for (int i = 0; i < (BROKEN ? 1 : 2); i++)
		sem_post(&hydrogen_turn);
	sem_post(&oxygen_turn);
	hydrogen -= 2;
	oxygen -= 1;
}

static void *run(void *argument)
{
	int is_oxygen = (int)argument == 0;

	sem_wait(&mutex);
	if (is_oxygen)
		oxygen++;
	else
		hydrogen++;
	bond_if_complete();
	sem_post(&mutex);
	sem_wait(is_oxygen ? &oxygen_turn : &hydrogen_turn);
	sem_wait(&mutex);
	if (is_oxygen)
		bonded_oxygen++;
	else
		bonded_hydrogen++;
	sem_post(&mutex);
	return 0;
}

int main(void)
{
	sem_init(&mutex, 0, 1);
	sem_init(&hydrogen_turn, 0, 0);
	sem_init(&oxygen_turn, 0, 0);
	together(3, run);
	assert(bonded_oxygen == 1 && bonded_hydrogen == 2);
	return 0;
}
