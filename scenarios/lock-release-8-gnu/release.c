/* __sync_lock_release writes 0, whatever the object's size. */
static volatile int two = 2;

__attribute__((noinline)) static void release(unsigned long long *object)
{
	__sync_lock_release(object);
}

int main(void)
{
	unsigned long long object = two;

	release(&object);
	return object == 0 ? 66 : 1;
}
