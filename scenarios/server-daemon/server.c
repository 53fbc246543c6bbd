/* Thread 0 answers requests for ever, and the program does not wait for it; thread 1 asks twice. */

static volatile int request, answer;
static volatile int heard;

void nextrust_thread_0(void)
{
    for (;;) {
        while (!request)
            ;
        answer = request + 1;
        request = 0;
    }
}

static int ask(int what)
{
    request = what;
    while (request)
        ;
    return answer;
}

void nextrust_thread_1(void)
{
    heard = ask(1);
    heard += ask(5);
}

int nextrust_check(void)
{
    return heard != 8;
}
