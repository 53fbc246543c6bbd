#ifndef _MACH_MESSAGE_H
#define _MACH_MESSAGE_H
#include <mach/kern_return.h>
/* Mach 2.5 messages. */
typedef int port_t;
typedef int msg_return_t;
typedef struct {
	unsigned int msg_unused : 24, msg_simple : 8;
	unsigned int msg_size;
	int msg_type;
	port_t msg_local_port;
	port_t msg_remote_port;
	int msg_id;
} msg_header_t;
#define PORT_NULL 0
#define MSG_TYPE_RPC 0x100
#define MSG_OPTION_NONE 0
#define SEND_TIMEOUT 1
#define RCV_TIMEOUT 0x100
#define MSG_SUCCESS 0
msg_return_t msg_send(msg_header_t *message, int option, unsigned int size, int timeout);
msg_return_t msg_receive(msg_header_t *message, int option, unsigned int size, port_t from, int timeout);
msg_return_t msg_rpc(msg_header_t *message, int option, unsigned int send_size, unsigned int receive_size,
		     int send_timeout, int receive_timeout);
#endif
