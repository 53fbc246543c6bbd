/* One writer of two words under a sequence count, K times; the other threads read both K times. */
static volatile unsigned sequence;
static volatile int first, second, torn;

static void body(int me)
{
    for (int i = 0; i < K; i++) {
        if (me == 0) {
            unsigned now = sequence;
            sequence = now + 1;
            first = i + 1;
            second = i + 1;
            sequence = now + 2;
            continue;
        }
        unsigned now;
        int one, other;
        do {
            while ((now = sequence) & 1)
                ;
            one = first;
            other = second;
        } while (sequence != now);
        if (one != other)
            torn = 1;
    }
}

#include "threads.h"
int nextrust_check(void) { return torn; }
