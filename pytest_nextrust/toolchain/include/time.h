#ifndef _TIME_H
#define _TIME_H
#include <sys/types.h>
struct timespec { time_t tv_sec; long tv_nsec; };
typedef int clockid_t;
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define TIME_UTC 1
time_t time(time_t *where);
int clock_gettime(clockid_t clock, struct timespec *now);
int timespec_get(struct timespec *now, int base);
int nanosleep(const struct timespec *time, struct timespec *left);
#endif
