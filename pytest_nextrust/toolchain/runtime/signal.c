/* sigvec and signal over the kernel's call 108: the kernel enters _sigtramp, which finds the handler in _sigcatch. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define LIB __attribute__((weak))

extern sig_t _sigcatch[NSIG];
extern void _sigtramp(void);
extern int __sigvec(int signal, const struct sigvec *vec, struct sigvec *old);

LIB int sigvec(int signal, const struct sigvec *vec, struct sigvec *old)
{
	struct sigvec kernel, before;
	sig_t handler;
	int failed;

	if (signal < 1 || signal >= NSIG) {
		errno = EINVAL;
		return -1;
	}
	handler = _sigcatch[signal];
	if (vec) {
		kernel = *vec;
		if (kernel.sv_handler != SIG_DFL && kernel.sv_handler != SIG_IGN) {
			_sigcatch[signal] = kernel.sv_handler;
			kernel.sv_handler = (sig_t)_sigtramp;
		}
	}
	failed = __sigvec(signal, vec ? &kernel : 0, &before);
	if (failed) {
		_sigcatch[signal] = handler;
		return -1;
	}
	if (before.sv_handler == (sig_t)_sigtramp)
		before.sv_handler = handler;
	if (old)
		*old = before;
	return 0;
}

LIB sig_t signal(int number, sig_t handler)
{
	struct sigvec vec = { handler, 0, 0 }, old;

	return sigvec(number, &vec, &old) < 0 ? SIG_ERR : old.sv_handler;
}

LIB int raise(int number)
{
	return kill(getpid(), number);
}
