/* A bounded queue for one sender and one receiver: each side writes only its own count, and writes it last. */

#define PLACES 2

static volatile unsigned filled, emptied; /* counts that never go back */
static volatile int places[PLACES];
static int sent, received[3], got;

static void send(int value)
{
    while (filled - emptied == PLACES)
        ; /* full: the receiver goes on when this thread's time slice ends */
    places[filled % PLACES] = value;
    filled = filled + 1;
}

static int receive(void)
{
    int value;

    while (filled == emptied)
        ;
    value = places[emptied % PLACES];
    emptied = emptied + 1;
    return value;
}

void nextrust_setup(void)
{
    int index;

    filled = emptied = 0;
    sent = got = 0;
    for (index = 0; index < PLACES; index++)
        places[index] = 0;
    for (index = 0; index < 3; index++)
        received[index] = 0;
}

/* More than there are places, so that the sender must wait. */
void nextrust_thread_0(void)
{
    for (sent = 1; sent <= 3; sent++)
        send(sent);
}

void nextrust_thread_1(void)
{
    for (got = 0; got < 3; got++)
        received[got] = receive();
}

int nextrust_check(void)
{
    return received[0] != 1 || received[1] != 2 || received[2] != 3 || filled != emptied;
}
