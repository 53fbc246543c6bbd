/* Calls routines as a script on stdin says and writes what they left to stdout, under Linux for m68k.

   One call, in big-endian 32-bit words: routine (an index into the table that the build supplies), a mask of the slots
   that are addresses relative to the arena, the arena's size, SLOTS slots; then the arena's bytes. The answer: d0, d1,
   whether d2-d7 and a2-a6 came back as they were (1), and the arena's bytes. */

#include <stdint.h>
#include <stdio.h>

#define AREA 8192
#define SLOTS 8

extern void *const routines[];
static uint8_t arena[AREA] __attribute__((aligned(AREA)));

struct frame {
    uint32_t routine, unused, d0, d1, kept, slots[SLOTS];
};

/* Fills the preserved registers with patterns, calls, and compares. */
void call(struct frame *frame);
__asm__(".globl call\n"
        "call:\n"
        "	movem.l %d2-%d7/%a2-%a6,-(%sp)\n"
        "	move.l 48(%sp),%a0\n"
        "	move.l %a0,-(%sp)\n"
        "	lea (20+32,%a0),%a1\n"
        "	moveq #7,%d0\n"
        "1:	move.l -(%a1),-(%sp)\n"
        "	dbra %d0,1b\n"
        "	move.l (%a0),%a1\n"
        "	movem.l patterns,%d2-%d7/%a2-%a6\n"
        "	move.l #0xa5a5a5a5,%d0\n"
        "	move.l %d0,%d1\n"
        "	move.l %d0,%a0\n"
        "	jsr (%a1)\n"
        "	lea (32,%sp),%sp\n"
        "	move.l (%sp)+,%a0\n"
        "	move.l %d0,8(%a0)\n"
        "	move.l %d1,12(%a0)\n"
        "	movem.l %d2-%d7/%a2-%a6,-(%sp)\n"
        "	lea patterns,%a1\n"
        "	moveq #10,%d0\n"
        "2:	move.l (%a1)+,%d1\n"
        "	cmp.l (%sp)+,%d1\n"
        "	bne 3f\n"
        "	dbra %d0,2b\n"
        "	moveq #1,%d0\n"
        "	bra 4f\n"
        "3:	lsl.l #2,%d0\n"
        "	add.l %d0,%sp\n"
        "	moveq #0,%d0\n"
        "4:	move.l %d0,16(%a0)\n"
        "	movem.l (%sp)+,%d2-%d7/%a2-%a6\n"
        "	rts\n"
        "patterns:\n"
        "	.long 0xd2d2d2d2,0xd3d3d3d3,0xd4d4d4d4,0xd5d5d5d5,0xd6d6d6d6,0xd7d7d7d7\n"
        "	.long 0xa2a2a2a2,0xa3a3a3a3,0xa4a4a4a4,0xa5a5a5a5,0xa6a6a6a6\n");

int main(void)
{
    static uint32_t header[3];
    static struct frame frame;

    while (fread(header, sizeof header, 1, stdin) == 1) {
        unsigned index;
        if (fread(frame.slots, sizeof frame.slots, 1, stdin) != 1 || fread(arena, header[2], 1, stdin) != 1)
            return 2;
        frame.routine = (uint32_t)routines[header[0]];
        for (index = 0; index < SLOTS; index++)
            if (header[1] >> index & 1)
                frame.slots[index] += (uint32_t)arena;
        call(&frame);
        fwrite(&frame.d0, 12, 1, stdout);
        fwrite(arena, header[2], 1, stdout);
    }
    return 0;
}
