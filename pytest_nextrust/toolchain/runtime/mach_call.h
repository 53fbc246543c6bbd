#ifndef MACH_CALL_H
#define MACH_CALL_H
/* One message to the kernel, as MIG of Mach 2.5 makes them: see mach.c. */
#include <mach/mach.h>

#define WORD 0x02200018u    /* MSG_TYPE_INTEGER_32, 32 bits, one, inline */
#define BOOLEAN 0x00200018u /* MSG_TYPE_BOOLEAN */

struct typed { unsigned int type, value; };
struct message { msg_header_t head; struct typed body[4]; };

/* Send a simple message of so many bytes, of which the header is still to be filled in; the reply, of so many at most, is
   in its place. The first item's value is the return code, which is what this answers, or a msg_return_t. */
kern_return_t mach_call(port_t to, int id, msg_header_t *message, unsigned int size, unsigned int room);
#endif
