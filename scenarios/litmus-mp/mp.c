/* Message passing: whoever sees the flag sees the data. */

static volatile int data, flag;
static int seen_flag, seen_data;

void nextrust_setup(void)
{
    data = flag = seen_flag = seen_data = 0;
}

void nextrust_thread_0(void)
{
    data = 1;
    flag = 1;
}

void nextrust_thread_1(void)
{
    seen_flag = flag;
    seen_data = data;
}

int nextrust_check(void)
{
    return seen_flag == 1 && seen_data == 0;
}
