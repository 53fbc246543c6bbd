/* Executes one instruction for each record on standard input, under qemu-m68k, and writes the state after it.
 *
 * Integers are 32 bits and big-endian. A record: 32 bytes of code, d0-d7, a0-a7, the condition codes, fp0-fp7, fpcr,
 * fpsr, fpiar, 256 bytes of data. An answer: the signal that ended it or 0, pc, and the same without the code.
 *
 * The code is put at CODE and the data at DATA. Behind the instruction, at the two places where the tests' branches go,
 * and in the data where a record has it, stand landings that save all registers and leave.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE 0x100000
#define DATA 0x200000
#define SAVED 0x300000
#define HERE 0x101000
#define FORWARD 0x60
#define BACK 0x40

typedef unsigned int u32;

struct record { unsigned char code[32]; u32 length; u32 r[16]; u32 ccr; u32 fp[24]; u32 control[3]; unsigned char data[256]; };
struct answer { u32 signal, pc; u32 r[16]; u32 ccr; u32 fp[24]; u32 control[3]; unsigned char data[256]; };

static struct record in;
static struct answer out;
static sigjmp_buf leave;
static unsigned char stack[65536];

/* At SAVED: d0-d7/a0-a7 at the landing, then its address, the condition codes, fp0-fp7 and the control registers. */
void enter(struct record *);
void landed(void);
__asm__(
    "enter: movem.l %d2-%d7/%a2-%a6,-(%sp)\n"
    "  move.l 48(%sp),%a0\n"
    "  move.l %sp,0x300100\n"
    "  fmovem.x 104(%a0),%fp0-%fp7\n"
    "  fmove.l 200(%a0),%fpcr\n"
    "  fmove.l 204(%a0),%fpsr\n"
    "  move.l 100(%a0),%d0\n"
    "  move.w %d0,%ccr\n"
    "  movem.l 36(%a0),%d0-%d7/%a0-%a7\n"
    "  jmp 0x100080\n"
    "landed: move.w %ccr,%d0\n"
    "  and.l #31,%d0\n"
    "  move.l %d0,0x300044\n"
    "  move.l %a0,0x300040\n"
    "  lea 0x300048,%a0\n"
    "  fmovem.x %fp0-%fp7,(%a0)\n"
    "  fmove.l %fpcr,96(%a0)\n"
    "  fmove.l %fpsr,100(%a0)\n"
    "  fmove.l %fpiar,104(%a0)\n"
    "  fmove.l #0,%fpcr\n"
    "  move.l 0x300100,%sp\n"
    "  movem.l (%sp)+,%d2-%d7/%a2-%a6\n"
    "  rts\n");

/* movem.l d0-d7/a0-a7,SAVED; lea *-8(pc),a0; jmp HERE. None of them changes a condition code. */
static void put_landing(u32 at) {
    static const unsigned char bytes[] = {0x48, 0xf9, 0xff, 0xff, 0, 0x30, 0, 0, 0x41, 0xfa, 0xff, 0xf6, 0x4e, 0xf9, 0, 0x10, 0x10, 0};
    memcpy((void *)at, bytes, sizeof bytes);
}

static void caught(int number, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    int i;
    (void)info;
    for (i = 0; i < 16; i++) out.r[i] = u->uc_mcontext.gregs[i];
    out.pc = u->uc_mcontext.gregs[16];
    out.ccr = u->uc_mcontext.gregs[17] & 31;
    out.signal = number;
    siglongjmp(leave, 1);
}

int main(void) {
    static const int numbers[] = {SIGILL, SIGFPE, SIGTRAP, SIGSEGV, SIGBUS};
    stack_t alternate = {stack, 0, sizeof stack};
    struct sigaction action;
    unsigned i;
    int rwx = PROT_READ | PROT_WRITE | PROT_EXEC, how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (mmap((void *)CODE, 0x2000, rwx, how, -1, 0) != (void *)CODE) return 3;
    if (mmap((void *)DATA, 0x2000, rwx, how, -1, 0) != (void *)DATA) return 3;
    if (mmap((void *)SAVED, 0x2000, PROT_READ | PROT_WRITE, how, -1, 0) != (void *)SAVED) return 3;
    *(unsigned short *)HERE = 0x4ef9;
    *(u32 *)(HERE + 2) = (u32)landed;
    sigaltstack(&alternate, 0);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = caught;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, 0);
    while (fread(&in, sizeof in, 1, stdin) == 1) {
        u32 start = CODE + 0x80;
        memset(&out, 0, sizeof out);
        memset((void *)CODE, 0x4a, 0x200);
        put_landing(start + FORWARD);
        put_landing(start - BACK);
        memcpy((void *)start, in.code, sizeof in.code);
        put_landing(start + in.length);
        memset((void *)DATA, 0, 0x1000);
        memcpy((void *)(DATA + 0x400), in.data, 256);
        if (!sigsetjmp(leave, 1)) {
            enter(&in);
            memcpy(out.r, (void *)SAVED, 64);
            out.pc = *(u32 *)(SAVED + 0x40);
            memcpy(&out.ccr, (void *)(SAVED + 0x44), 4 + 96 + 12);
        }
        memcpy(out.data, (void *)(DATA + 0x400), 256);
        if (fwrite(&out, sizeof out, 1, stdout) != 1 || fflush(stdout)) return 4;
    }
    return 0;
}
