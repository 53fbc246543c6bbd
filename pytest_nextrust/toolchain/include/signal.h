#ifndef _SIGNAL_H
#define _SIGNAL_H
/* 4.3BSD sigvec(2). */
#define NSIG 33
#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGIOT 6
#define SIGABRT 6
#define SIGEMT 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGBUS 10
#define SIGSEGV 11
#define SIGSYS 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGURG 16
#define SIGSTOP 17
#define SIGTSTP 18
#define SIGCONT 19
#define SIGCHLD 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGIO 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGUSR1 30
#define SIGUSR2 31
typedef int sig_atomic_t;
struct sigcontext { int sc_onstack, sc_mask, sc_sp, sc_pc, sc_ps, sc_d0; };
typedef void (*sig_t)(int);
struct sigvec { sig_t sv_handler; int sv_mask; int sv_flags; };
struct sigstack { char *ss_sp; int ss_onstack; };
#define SV_ONSTACK 1
#define SV_INTERRUPT 2
#define SIG_DFL ((sig_t)0)
#define SIG_IGN ((sig_t)1)
#define SIG_ERR ((sig_t)-1)
#define sigmask(n) (1 << ((n) - 1))
int kill(int pid, int signal);
int raise(int signal);
sig_t signal(int signal, sig_t handler);
int sigvec(int signal, const struct sigvec *vec, struct sigvec *old);
int sigblock(int mask);
int sigsetmask(int mask);
int sigpause(int mask);
int sigstack(const struct sigstack *stack, struct sigstack *old);
#endif
