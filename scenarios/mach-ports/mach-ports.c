#include <fcntl.h>
#include <mach/mach.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	port_t port = 0, other = 0;
	vm_address_t address = 0;
	int fd;

	printf("names %d%d%d\n", task_self() != 0, thread_self() != 0, thread_reply() != 0);
	printf("apart %d%d\n", task_self() != thread_self(), task_self() == task_self());
	printf("allocate %d %d\n", port_allocate(task_self(), &port), port_allocate(task_self(), &other));
	printf("apart %d\n", port && other && port != other && port != task_self());
	printf("deallocate %d\n", port_deallocate(task_self(), port));
	printf("yield %d %d\n", swtch(), swtch_pri(0));
	fd = open("/mapped.txt", O_RDONLY);
	printf("map_fd %d\n", map_fd(fd, 0, &address, TRUE, 18));
	printf("%.18s", (char *)address);
	printf("zero after it %d\n", ((char *)address)[18]);
	printf("deallocate %d\n", vm_deallocate(task_self(), address, 18));
	printf("hole %d\n", vm_protect(task_self(), address, 8192, FALSE, VM_PROT_READ));
	return 0;
}
