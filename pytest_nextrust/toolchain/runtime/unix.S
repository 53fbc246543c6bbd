| UNIX system calls by trap #4. Numbers: 4.3BSD sys/syscall.h, which NeXT's static executables agree with.

	.include "calls.inc"

	UNIX	_exit,1,1
	UNIX	read,3,3
	UNIX	write,4,3
	UNIX	open,5,3
	UNIX	close,6,1
	UNIX	creat,8,2
	UNIX	link,9,2
	UNIX	unlink,10,1
	UNIX	chdir,12,1
	UNIX	chmod,15,2
	UNIX	lseek,19,3
	UNIX	getpid,20,0
	SECOND	getppid,20
	UNIX	getuid,24,0
	SECOND	geteuid,24
	UNIX	access,33,2
	UNIX	kill,37,2
	UNIX	stat,38,2
	UNIX	lstat,40,2
	UNIX	dup,41,1
	UNIX	getgid,47,0
	SECOND	getegid,47
	UNIX	ioctl,54,3
	UNIX	symlink,57,2
	UNIX	readlink,58,3
	UNIX	umask,60,1
	UNIX	fstat,62,2
	UNIX	getpagesize,64,0
	UNIX	setitimer,83,3
	UNIX	getitimer,86,2
	UNIX	gethostname,87,2
	UNIX	getdtablesize,89,0
	UNIX	dup2,90,2
	UNIX	fcntl,92,3
	UNIX	select,93,5
	UNIX	fsync,95,1
	UNIX	__sigvec,108,3
	UNIX	sigblock,109,1
	UNIX	sigsetmask,110,1
	UNIX	sigpause,111,1
	UNIX	sigstack,112,2
	UNIX	gettimeofday,116,2
	UNIX	getrusage,117,2
	UNIX	readv,120,3
	UNIX	writev,121,3
	UNIX	rename,128,2
	UNIX	truncate,129,2
	UNIX	ftruncate,130,2
	UNIX	mkdir,136,2
	UNIX	rmdir,137,1
	UNIX	utimes,138,2
	UNIX	getrlimit,144,2
	UNIX	setrlimit,145,2
	UNIX	getdirentries,156,4
	UNIX	getdomainname,162,2

| What atexit was given first, where the program has any.
	.weak	__run_at_exit
	FUNCTION exit
	move.l	#__run_at_exit,%d0
	jeq	1f
	movea.l	%d0,%a0
	jsr	(%a0)
1:	jra	_exit

| The number and up to five arguments, through call 0 (indirect).
	UNIX	syscall,0,6

| d1 tells the child (not 0) from the parent (0).
	FUNCTION fork
	NUMBER	2
	trap	#4
	jcc	1f
	bsr.l	cerror
	rts
1:	tst.l	%d1
	jeq	2f
	moveq	#0,%d0
2:	rts

| Two descriptors, in d0 and d1.
	FUNCTION pipe
	NUMBER	42
	trap	#4
	jcc	1f
	bsr.l	cerror
	rts
1:	movea.l	4(%sp),%a0
	move.l	%d0,(%a0)+
	move.l	%d1,(%a0)
	moveq	#0,%d0
	rts

| SIGABRT to itself, with nothing blocked (110) and no handler (108): LLVM calls abort where C has a trap.
	FUNCTION abort
	moveq	#0,%d1
	moveq	#110,%d0
	trap	#4
	clr.l	-(%sp)
	clr.l	-(%sp)
	clr.l	-(%sp)
	moveq	#6,%d1
	move.l	%sp,%d2
	moveq	#0,%d3
	moveq	#108,%d0
	trap	#4
	moveq	#20,%d0
	trap	#4
	move.l	%d0,%d1
	moveq	#6,%d2
	moveq	#37,%d0
	trap	#4
	moveq	#127,%d1
	moveq	#1,%d0
	trap	#4
	illegal
