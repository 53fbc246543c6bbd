/* N equal threads, each `body` with its number. */
#define THREAD(i) void nextrust_thread_##i(void) { body(i); }
THREAD(0)
THREAD(1)
#if N > 2
THREAD(2)
#endif
#if N > 3
THREAD(3)
#endif
#if N > 4
THREAD(4)
#endif
