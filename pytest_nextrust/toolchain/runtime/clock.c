/* Time. Where kernel threads are, a thread that sleeps lets others go on, and how long it sleeps is left open. */
#include <errno.h>
#include <mach/mach.h>
#include <nextrust.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LIB __attribute__((weak))

LIB int clock_gettime(clockid_t clock, struct timespec *now)
{
	struct timeval time;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
		errno = EINVAL;
		return -1;
	}
	if (gettimeofday(&time, 0) < 0)
		return -1;
	now->tv_sec = time.tv_sec;
	now->tv_nsec = time.tv_usec * 1000;
	return 0;
}

LIB int timespec_get(struct timespec *now, int base)
{
	return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, now) == 0 ? base : 0;
}

static void pause_for(long seconds, long microseconds)
{
	struct timeval time = { seconds, microseconds };
	int kind = nextrust_thread_kind();

	if (kind == NEXTRUST_EXPLORED || kind == NEXTRUST_MACHINE)
		swtch_pri(0);
	else
		select(0, 0, 0, 0, &time);
}

LIB int nanosleep(const struct timespec *time, struct timespec *left)
{
	if (time->tv_nsec < 0 || time->tv_nsec >= 1000000000) {
		errno = EINVAL;
		return -1;
	}
	pause_for(time->tv_sec, time->tv_nsec / 1000);
	if (left)
		left->tv_sec = left->tv_nsec = 0;
	return 0;
}

LIB unsigned int sleep(unsigned int seconds)
{
	pause_for((long)seconds, 0);
	return 0;
}

LIB int usleep(unsigned int microseconds)
{
	pause_for((long)(microseconds / 1000000), (long)(microseconds % 1000000));
	return 0;
}
