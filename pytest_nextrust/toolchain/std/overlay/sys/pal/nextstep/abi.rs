//! The assembly stubs that every program is linked with, and which thread is the caller.
//!
//! Numbers, flags and layouts are 4.3BSD's and NeXT's: the stubs answer -1 and set the caller's `errno`. Kernel threads
//! are calls that no NeXT has; it answers `KERN_INVALID_ARGUMENT` (4) to them, and a program has one thread there.

use crate::cell::UnsafeCell;

unsafe extern "C" {
    pub static NXArgc: i32;
    pub static NXArgv: *const *const u8;
    pub static environ: *const *const u8;

    pub fn __errno() -> *mut i32;
    pub fn abort() -> !;
    pub fn exit(status: i32) -> !;
    pub fn getpid() -> i32;
    pub fn getppid() -> i32;

    pub fn read(fd: i32, buffer: *mut u8, size: u32) -> i32;
    pub fn write(fd: i32, buffer: *const u8, size: u32) -> i32;
    pub fn open(path: *const i8, flags: i32, mode: i32) -> i32;
    pub fn close(fd: i32) -> i32;
    pub fn dup(fd: i32) -> i32;
    pub fn lseek(fd: i32, offset: i32, whence: i32) -> i32;
    pub fn fsync(fd: i32) -> i32;
    pub fn ftruncate(fd: i32, size: i32) -> i32;
    pub fn fstat(fd: i32, status: *mut Stat) -> i32;
    pub fn stat(path: *const i8, status: *mut Stat) -> i32;
    pub fn lstat(path: *const i8, status: *mut Stat) -> i32;
    pub fn ioctl(fd: i32, request: u32, argument: *mut u8) -> i32;
    pub fn getdirentries(fd: i32, buffer: *mut u8, size: i32, base: *mut i32) -> i32;
    pub fn chdir(path: *const i8) -> i32;
    pub fn chmod(path: *const i8, mode: i32) -> i32;
    pub fn link(from: *const i8, to: *const i8) -> i32;
    pub fn symlink(target: *const i8, link: *const i8) -> i32;
    pub fn readlink(path: *const i8, buffer: *mut u8, size: i32) -> i32;
    pub fn rename(from: *const i8, to: *const i8) -> i32;
    pub fn unlink(path: *const i8) -> i32;
    pub fn mkdir(path: *const i8, mode: i32) -> i32;
    pub fn rmdir(path: *const i8) -> i32;
    pub fn utimes(path: *const i8, times: *const [Timeval; 2]) -> i32;
    pub fn gettimeofday(time: *mut Timeval, zone: *mut u8) -> i32;
    pub fn select(count: i32, read: *mut u8, write: *mut u8, except: *mut u8, time: *mut Timeval) -> i32;

    pub fn task_self() -> i32;
    pub fn thread_reply() -> i32;
    pub fn swtch_pri(priority: i32) -> i32;
    fn msg_rpc(message: *mut u32, option: i32, send: u32, receive: u32, send_time: i32, receive_time: i32) -> i32;

    fn nextrust_thread_kind() -> i32;
    fn nextrust_thread_self() -> i32;
    pub fn nextrust_thread_spawn(pc: unsafe extern "C" fn(), stack: usize, function: usize, argument: usize) -> i32;
    pub fn nextrust_thread_enter();
    pub fn nextrust_thread_end(value: usize) -> !;
    pub fn nextrust_thread_join(slot: i32, value: *mut usize) -> i32;
    pub fn nextrust_thread_detach(slot: i32) -> i32;
    pub fn nextrust_wait_while(at: *const u32, value: u32) -> i32;
    pub fn nextrust_wait_or_timeout(at: *const u32, value: u32) -> i32;
    pub fn nextrust_wait_mask(at: *mut u32, mask: u32) -> i32;
    pub fn nextrust_wait_mask_or_timeout(at: *mut u32, mask: u32) -> i32;
    pub fn nextrust_acquire(at: *mut u32, free: u32, mine: u32) -> i32;
    pub fn nextrust_claim(at: *mut u32, mask: u32, bits: u32) -> i32;
    pub fn nextrust_choose_few(n: i32) -> i32;
    pub fn nextrust_heap(size: u32) -> usize;
}

pub const ENOENT: i32 = 2;
pub const EINTR: i32 = 4;
pub const EEXIST: i32 = 17;
pub const ERANGE: i32 = 34;

/// 60 bytes: what the kernel says of a file.
#[repr(C)]
#[derive(Clone)]
pub struct Stat {
    pub dev: i16,
    pub ino: u32,
    pub mode: u16,
    pub nlink: i16,
    pub uid: u16,
    pub gid: u16,
    pub rdev: i16,
    pub size: i32,
    pub atime: i32,
    spare1: i32,
    pub mtime: i32,
    spare2: i32,
    pub ctime: i32,
    spare3: i32,
    pub blksize: i32,
    pub blocks: i32,
    spare4: [i32; 2],
}

const _: () = assert!(size_of::<Stat>() == 60);

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Timeval {
    pub seconds: i32,
    pub microseconds: i32,
}

/// Who serves the calls of kernel threads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nobody: a NeXT, where the first thread is the only one.
    NeXT,
    /// An exploration: every order of the threads is tried, and the clock stands still.
    Explored,
    /// The emulated machine.
    Machine,
}

pub fn kind() -> Kind {
    match unsafe { nextrust_thread_kind() } {
        0x4e58 => Kind::Explored,
        0x4e59 => Kind::Machine,
        _ => Kind::NeXT,
    }
}

/// How many threads there may be at once.
pub const SLOTS: usize = 16;

/// Whether the first thread is known to be the only one, so that nobody need be asked.
///
/// It is never written in an exploration, where a byte that one thread writes and others read costs interleavings.
struct Alone(UnsafeCell<bool>);
unsafe impl Sync for Alone {}
static ALONE: Alone = Alone(UnsafeCell::new(false));

fn set_alone(alone: bool) {
    if kind() != Kind::Explored {
        unsafe { ALONE.0.get().write_volatile(alone) };
    }
}

pub fn is_alone() -> bool {
    unsafe { ALONE.0.get().read_volatile() }
}

/// The program begins.
pub fn begin() {
    set_alone(true);
}

/// A second thread is to be made.
pub fn end_alone() {
    set_alone(false);
}

/// The caller's number, 0 for the first thread.
pub fn slot() -> usize {
    // A NeXT answers 4 throughout, which is a slot as good as another.
    if is_alone() { 0 } else { unsafe { nextrust_thread_self() as usize & (SLOTS - 1) } }
}

/// The word by which the caller holds a lock; 0 is nobody.
pub fn own_name() -> u32 {
    slot() as u32 + 1
}

const WORD: u32 = 0x0220_0018;
const BOOLEAN: u32 = 0x0020_0018;

/// A Mach 2.5 message to the task port, with its answer's first value; None where the kernel refuses.
fn task_call(id: u32, values: &[(u32, u32)]) -> Option<u32> {
    let mut message = [0u32; 14];
    let size = 24 + 8 * values.len() as u32;
    message[..6].copy_from_slice(&[1, size, 0x100, unsafe { thread_reply() } as u32, unsafe { task_self() } as u32, id]);
    for (at, (kind, value)) in values.iter().enumerate() {
        message[6 + 2 * at] = *kind;
        message[7 + 2 * at] = *value;
    }
    let sent = unsafe { msg_rpc(message.as_mut_ptr(), 0, size, size_of_val(&message) as u32, 0, 0) };
    let answered = sent == 0 && message[5] == id + 100 && message[6] == WORD && message[7] == 0;
    if answered { Some(message[9]) } else { None }
}

/// Zeroed pages, anywhere; null where there are none.
pub fn vm_allocate(size: usize) -> *mut u8 {
    let values = [(WORD, 0), (WORD, size as u32), (BOOLEAN, 1)];
    crate::ptr::with_exposed_provenance_mut(task_call(2021, &values).unwrap_or(0) as usize)
}

/// Give pages back.
///
/// # Safety
/// Nothing uses them afterwards.
pub unsafe fn vm_deallocate(address: *mut u8, size: usize) {
    task_call(2023, &[(WORD, address.expose_provenance() as u32), (WORD, size as u32)]);
}

/// Microseconds since 1970.
pub fn now() -> Timeval {
    let mut time = Timeval { seconds: 0, microseconds: 0 };
    unsafe { gettimeofday(&mut time, crate::ptr::null_mut()) };
    time
}
