//! What a `#![no_std]` Rust program needs on a NeXT: system calls, arguments, printing, a heap, a panic handler.
//!
//! The program is a crate with `#![no_std] #![no_main] extern crate next;` and
//! `#[unsafe(no_mangle)] extern "C" fn main(argc: i32, argv: *const *const u8, envp: *const *const u8) -> i32`.
//! A panic prints its place and message to descriptor 2 and exits with status 101.
#![no_std]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::fmt;
use core::ptr;

/// The assembly stubs: errors are -1 with `errno` set. Numbers, flags and layouts are 4.3BSD's and NeXT's.
pub mod sys {
    /// What `nextrust_thread_kind` answers in an exploration.
    pub const EXPLORED: i32 = 0x4e58;
    /// `pc`, `d2-d7/a2-a6/sp`, `fp2-fp7`, `fpcr/fpsr/fpiar`, signal mask.
    pub type JmpBuf = [i32; 35];

    unsafe extern "C" {
        pub static mut errno: i32;
        pub static NXArgc: i32;
        pub static NXArgv: *const *const u8;
        pub static environ: *const *const u8;
        pub fn _exit(status: i32) -> !;
        pub fn read(fd: i32, buffer: *mut u8, size: u32) -> i32;
        pub fn write(fd: i32, buffer: *const u8, size: u32) -> i32;
        pub fn open(path: *const u8, flags: i32, mode: i32) -> i32;
        pub fn close(fd: i32) -> i32;
        pub fn lseek(fd: i32, offset: i32, whence: i32) -> i32;
        pub fn unlink(path: *const u8) -> i32;
        pub fn mkdir(path: *const u8, mode: i32) -> i32;
        pub fn rmdir(path: *const u8) -> i32;
        pub fn rename(from: *const u8, to: *const u8) -> i32;
        pub fn getpid() -> i32;
        pub fn kill(pid: i32, signal: i32) -> i32;
        pub fn getpagesize() -> i32;
        pub fn _setjmp(env: *mut JmpBuf) -> i32;
        pub fn _longjmp(env: *mut JmpBuf, value: i32) -> !;
        pub fn task_self() -> i32;
        pub fn thread_self() -> i32;
        pub fn thread_reply() -> i32;
        pub fn msg_rpc(message: *mut u32, option: i32, send: u32, receive: u32, send_time: i32, receive_time: i32) -> i32;
        pub fn swtch_pri(priority: i32) -> i32;
        pub fn nextrust_thread_kind() -> i32;
        pub fn nextrust_thread_self() -> i32;
        pub fn nextrust_thread_spawn(pc: unsafe extern "C" fn(), stack: usize, function: usize, argument: usize) -> i32;
        pub fn nextrust_thread_enter();
        pub fn nextrust_thread_end(value: usize) -> !;
        pub fn nextrust_thread_join(slot: i32, value: *mut usize) -> i32;
        pub fn nextrust_thread_detach(slot: i32) -> i32;
        pub fn nextrust_acquire(at: *mut i32, free: i32, mine: i32) -> i32;
        pub fn nextrust_wait_mask(at: *mut i32, mask: i32) -> i32;
        pub fn nextrust_cas(at: *mut i32, old: i32, new: i32) -> i32;
        pub fn nextrust_count_bits(word: i32) -> i32;
        pub fn nextrust_bit_of(word: i32, n: i32) -> i32;
        pub fn nextrust_set_bits(at: *mut i32, bits: i32);
        pub fn nextrust_choose_few(n: i32) -> i32;
        pub fn nextrust_assume(condition: i32) -> i32;
        pub fn nextrust_heap(size: u32) -> u32;
    }

    pub const O_RDONLY: i32 = 0;
    pub const O_WRONLY: i32 = 1;
    pub const O_RDWR: i32 = 2;
    pub const O_CREAT: i32 = 0x200;
    pub const O_TRUNC: i32 = 0x400;
    pub const ENOENT: i32 = 2;
}

/// The number of the last error.
pub fn errno() -> i32 {
    unsafe { ptr::read(ptr::addr_of!(sys::errno)) }
}

/// End the program.
pub fn exit(status: i32) -> ! {
    unsafe { sys::_exit(status) }
}

/// Write all of `data`; false where the kernel refuses.
pub fn write_all(fd: i32, mut data: &[u8]) -> bool {
    while !data.is_empty() {
        let done = unsafe { sys::write(fd, data.as_ptr(), data.len() as u32) };
        if done <= 0 {
            return false;
        }
        data = &data[done as usize..];
    }
    true
}

/// One argument of the program, without its NUL; None past the last.
pub fn argument(index: usize) -> Option<&'static [u8]> {
    unsafe {
        if index >= sys::NXArgc as usize {
            return None;
        }
        let start = *sys::NXArgv.add(index);
        let mut size = 0;
        while *start.add(size) != 0 {
            size += 1;
        }
        Some(core::slice::from_raw_parts(start, size))
    }
}

/// A descriptor that `core::fmt` can write to.
pub struct Fd(pub i32);

impl fmt::Write for Fd {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if write_all(self.0, text.as_bytes()) { Ok(()) } else { Err(fmt::Error) }
    }
}

#[macro_export]
macro_rules! print {
    ($($part:tt)*) => {{
        use core::fmt::Write as _;
        let _ = core::write!($crate::Fd(1), $($part)*);
    }};
}

#[macro_export]
macro_rules! println {
    ($($part:tt)*) => {{
        use core::fmt::Write as _;
        let _ = core::writeln!($crate::Fd(1), $($part)*);
    }};
}

/// A number in decimal, without core::fmt: what a panic says must not depend on what may have caused it.
fn write_number(fd: i32, value: u32) {
    if value >= 10 {
        write_number(fd, value / 10);
    }
    write_all(fd, &[b'0' + (value % 10) as u8]);
}

struct Once(UnsafeCell<bool>);

/// A NeXT program made with this crate has one thread.
unsafe impl Sync for Once {}

impl Once {
    fn replace(&self) -> bool {
        unsafe { ptr::replace(self.0.get(), true) }
    }
}

static PANICKING: Once = Once(UnsafeCell::new(false));

#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    use fmt::Write as _;
    // Formatting may itself panic, or be miscompiled into it.
    if PANICKING.replace() {
        write_all(2, b"panicked while panicking\n");
    } else {
        write_all(2, b"panicked at ");
        if let Some(place) = info.location() {
            write_all(2, place.file().as_bytes());
            write_all(2, b":");
            write_number(2, place.line());
        }
        write_all(2, b": ");
        match info.message().as_str() {
            Some(text) => {
                write_all(2, text.as_bytes());
            }
            None => {
                let _ = write!(Fd(2), "{}", info.message());
            }
        }
        write_all(2, b"\n");
    }
    exit(101)
}

const WORD: u32 = 0x0220_0018;
const BOOLEAN: u32 = 0x0020_0018;

/// Ask the kernel for zeroed pages anywhere, or give them back: Mach 2.5 messages 2021 and 2023 to the task port.
fn task_call(id: u32, values: &[(u32, u32)], answers: u32) -> Result<u32, i32> {
    let mut message = [0u32; 14];
    let size = 24 + 8 * values.len() as u32;
    message[0] = 1;
    message[1] = size;
    message[2] = 0x100;
    unsafe {
        message[3] = sys::thread_reply() as u32;
        message[4] = sys::task_self() as u32;
    }
    message[5] = id;
    for (at, (kind, value)) in values.iter().enumerate() {
        message[6 + 2 * at] = *kind;
        message[7 + 2 * at] = *value;
    }
    let sent = unsafe { sys::msg_rpc(message.as_mut_ptr(), 0, size, 56, 0, 0) };
    if sent != 0 {
        return Err(sent);
    }
    if message[5] != id + 100 {
        return Err(-301);
    }
    if message[6] != WORD {
        return Err(-300);
    }
    if message[7] != 0 {
        return Err(message[7] as i32);
    }
    if message[1] != 32 + 8 * answers {
        return Err(-300);
    }
    Ok(if answers > 0 { message[9] } else { 0 })
}

/// Zeroed pages, anywhere. The error is Mach's return code.
pub fn vm_allocate(size: usize) -> Result<*mut u8, i32> {
    let values = [(WORD, 0), (WORD, size as u32), (BOOLEAN, 1)];
    task_call(2021, &values, 1).map(|address| address as usize as *mut u8)
}

/// Give pages back.
///
/// # Safety
/// Nothing may use them afterwards.
pub unsafe fn vm_deallocate(address: *mut u8, size: usize) -> Result<(), i32> {
    task_call(2023, &[(WORD, address as usize as u32), (WORD, size as u32)], 0).map(|_| ())
}

struct Block {
    size: usize,
    next: *mut Block,
}

const HEAD: usize = core::mem::size_of::<Block>();
const ARENA: usize = 0x10000;
/// In an exploration, where a thread's whole heap is four times an arena of the others.
const SMALL_ARENA: usize = 0x1000;

/// First fit over arenas from vm_allocate; freed blocks are kept in address order and joined with their neighbours.
///
/// Each thread has free blocks of its own: what it frees is its own from then on, whoever took it.
pub struct Heap {
    free: [UnsafeCell<*mut Block>; thread::SLOTS],
}

/// A thread uses the list of its own slot.
unsafe impl Sync for Heap {}

impl Heap {
    fn own(&self) -> *mut *mut Block {
        self.free[thread::slot()].get()
    }

    unsafe fn take(&self, need: usize) -> *mut u8 {
        unsafe {
            let mut at = self.own();
            while !(*at).is_null() {
                let block = *at;
                if (*block).size >= need {
                    if (*block).size > need + HEAD {
                        let rest = (block as *mut u8).add(HEAD + need) as *mut Block;
                        (*rest).size = (*block).size - need - HEAD;
                        (*rest).next = (*block).next;
                        (*block).size = need;
                        *at = rest;
                    } else {
                        *at = (*block).next;
                    }
                    return (block as *mut u8).add(HEAD);
                }
                at = ptr::addr_of_mut!((*block).next);
            }
            ptr::null_mut()
        }
    }

    unsafe fn give(&self, data: *mut u8) {
        unsafe {
            let block = data.sub(HEAD) as *mut Block;
            let mut at = self.own();
            let mut before: *mut Block = ptr::null_mut();
            while !(*at).is_null() && *at < block {
                before = *at;
                at = ptr::addr_of_mut!((*before).next);
            }
            (*block).next = *at;
            *at = block;
            join(block);
            if !before.is_null() {
                join(before);
            }
        }
    }
}

unsafe fn join(block: *mut Block) {
    unsafe {
        let next = (*block).next;
        if !next.is_null() && (block as *mut u8).add(HEAD + (*block).size) == next as *mut u8 {
            (*block).size += HEAD + (*next).size;
            (*block).next = (*next).next;
        }
    }
}

/// Zeroed memory for at least so many bytes: where it is, and how many there are.
fn arena_of(need: usize) -> Option<(*mut u8, usize)> {
    if unsafe { sys::nextrust_thread_kind() } == sys::EXPLORED {
        let size = (need + SMALL_ARENA - 1) & !(SMALL_ARENA - 1);
        let fresh = unsafe { sys::nextrust_heap(size as u32) };
        return if fresh == 0 { None } else { Some((fresh as usize as *mut u8, size)) };
    }
    let size = (need + ARENA - 1) & !(ARENA - 1);
    vm_allocate(size).ok().map(|fresh| (fresh, size))
}

unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe {
            // Room for the alignment and, in front of what is handed out, the address of what was taken.
            let align = layout.align().max(4);
            let Some(size) = layout.size().checked_add(align + 4 + HEAD) else {
                return ptr::null_mut();
            };
            let need = size & !(HEAD - 1);
            let mut raw = self.take(need);
            if raw.is_null() {
                let Some((fresh, arena)) = arena_of(need + HEAD) else {
                    return ptr::null_mut();
                };
                (*(fresh as *mut Block)).size = arena - HEAD;
                self.give(fresh.add(HEAD));
                raw = self.take(need);
            }
            let start = (raw as usize + 4 + align - 1) & !(align - 1);
            *((start - 4) as *mut usize) = raw as usize;
            start as *mut u8
        }
    }

    unsafe fn dealloc(&self, data: *mut u8, _layout: Layout) {
        unsafe { self.give(*((data as usize - 4) as *const usize) as *mut u8) }
    }
}

#[global_allocator]
static HEAP: Heap = Heap { free: [const { UnsafeCell::new(ptr::null_mut()) }; thread::SLOTS] };

/// What the program may ask of an exploration.
pub mod explore {
    use super::sys;

    /// Any number below `n`, at most 16: an exploration tries every one.
    pub fn choose(n: i32) -> i32 {
        unsafe { sys::nextrust_choose_few(n) }
    }

    /// Give this run up unless the condition holds.
    pub fn assume(condition: bool) {
        unsafe {
            sys::nextrust_assume(condition as i32);
        }
    }
}

/// Threads of the kernel, as `nextrust run` and `nextrust explore` have them. A NeXT has none: `spawn` panics there.
pub mod thread {
    use super::sys;
    use alloc::boxed::Box;
    use core::cell::UnsafeCell;
    use core::ptr;

    /// How many threads there may be at once.
    pub const SLOTS: usize = 16;

    /// Whether a thread was ever made; written before the first one, and only read afterwards.
    struct Made(UnsafeCell<bool>);
    unsafe impl Sync for Made {}
    static MADE: Made = Made(UnsafeCell::new(false));

    /// The caller's number, 0 for the first thread.
    pub fn current() -> usize {
        slot()
    }

    pub(super) fn slot() -> usize {
        // A program without threads makes no call for it.
        unsafe {
            if ptr::read_volatile(MADE.0.get()) { sys::nextrust_thread_self() as usize & (SLOTS - 1) } else { 0 }
        }
    }

    /// Let another thread run.
    pub fn yield_now() {
        unsafe {
            sys::swtch_pri(0);
        }
    }

    struct Packet<T> {
        work: Option<Box<dyn FnOnce() -> T + Send>>,
        answer: Option<T>,
    }

    /// A thread that somebody waits for. Dropped without `join`, it goes on by itself.
    pub struct JoinHandle<T> {
        slot: i32,
        packet: *mut Packet<T>,
    }

    unsafe impl<T: Send> Send for JoinHandle<T> {}

    /// Run a closure in a thread of its own.
    pub fn spawn<F, T>(work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        unsafe {
            if !ptr::read_volatile(MADE.0.get()) {
                ptr::write_volatile(MADE.0.get(), true);
            }
            let packet = Box::into_raw(Box::new(Packet { work: Some(Box::new(work)), answer: None }));
            let slot = sys::nextrust_thread_spawn(sys::nextrust_thread_enter, 0, run::<T> as usize, packet as usize);
            // 4 is what a NeXT answers, and no fourth thread comes before a second one.
            if slot <= 0 || (sys::nextrust_thread_kind() == 4) {
                panic!("no thread can be made");
            }
            JoinHandle { slot, packet }
        }
    }

    unsafe extern "C" fn run<T>(packet: *mut Packet<T>) -> ! {
        unsafe {
            if let Some(work) = (*packet).work.take() {
                (*packet).answer = Some(work());
            }
            sys::nextrust_thread_end(0)
        }
    }

    impl<T> JoinHandle<T> {
        /// Wait until the thread has ended; what its closure answered. A thread that panics ends the program.
        pub fn join(self) -> T {
            unsafe {
                sys::nextrust_thread_join(self.slot, ptr::null_mut());
                let packet = Box::from_raw(self.packet);
                core::mem::forget(self);
                match packet.answer {
                    Some(answer) => answer,
                    None => panic!("a thread was terminated"),
                }
            }
        }
    }

    impl<T> Drop for JoinHandle<T> {
        fn drop(&mut self) {
            unsafe {
                sys::nextrust_thread_detach(self.slot);
            }
        }
    }
}

/// What threads share: locks that wait without spinning.
pub mod sync {
    use super::{sys, thread};
    use core::cell::UnsafeCell;
    use core::ops::{Deref, DerefMut};
    use core::sync::atomic::{AtomicI32, Ordering};

    fn own() -> i32 {
        thread::slot() as i32 + 1
    }

    /// A value that one thread at a time may use.
    pub struct Mutex<T: ?Sized> {
        owner: AtomicI32,
        value: UnsafeCell<T>,
    }

    unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
    unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

    impl<T> Mutex<T> {
        /// A mutex that is free.
        pub const fn new(value: T) -> Self {
            Mutex { owner: AtomicI32::new(0), value: UnsafeCell::new(value) }
        }

        /// The value.
        pub fn into_inner(self) -> T {
            self.value.into_inner()
        }
    }

    impl<T: ?Sized> Mutex<T> {
        /// Wait until it is free, and take it.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            unsafe {
                sys::nextrust_acquire(self.owner.as_ptr(), 0, own());
            }
            MutexGuard { mutex: self }
        }

        /// Take it where it is free.
        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            let taken = unsafe { sys::nextrust_cas(self.owner.as_ptr(), 0, own()) } != 0;
            if taken { Some(MutexGuard { mutex: self }) } else { None }
        }
    }

    /// Gives the mutex back where it is dropped.
    pub struct MutexGuard<'a, T: ?Sized> {
        mutex: &'a Mutex<T>,
    }

    impl<T: ?Sized> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            unsafe { &*self.mutex.value.get() }
        }
    }

    impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            unsafe { &mut *self.mutex.value.get() }
        }
    }

    impl<T: ?Sized> Drop for MutexGuard<'_, T> {
        fn drop(&mut self) {
            self.mutex.owner.store(0, Ordering::SeqCst);
        }
    }

    /// Threads that wait until others say that something has changed: a bit for each.
    pub struct Condvar {
        waiting: AtomicI32,
    }

    impl Condvar {
        /// Nobody waits.
        pub const fn new() -> Self {
            Condvar { waiting: AtomicI32::new(0) }
        }

        /// Give the mutex back, wait, and take it again.
        pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            let mutex = guard.mutex;
            let bit = 1 << thread::slot();
            unsafe {
                sys::nextrust_set_bits(self.waiting.as_ptr(), bit);
                drop(guard);
                sys::nextrust_wait_mask(self.waiting.as_ptr(), bit);
            }
            mutex.lock()
        }

        /// Wait as long as the condition holds.
        pub fn wait_while<'a, T: ?Sized>(
            &self,
            mut guard: MutexGuard<'a, T>,
            mut condition: impl FnMut(&mut T) -> bool,
        ) -> MutexGuard<'a, T> {
            while condition(&mut *guard) {
                guard = self.wait(guard);
            }
            guard
        }

        /// Wake one of those who wait, any of them.
        pub fn notify_one(&self) {
            loop {
                let waiting = self.waiting.load(Ordering::SeqCst);
                if waiting == 0 {
                    return;
                }
                // In assembly: the compiler is known to get the choice of a bit wrong.
                let count = unsafe { sys::nextrust_count_bits(waiting) };
                let number = if count > 1 { super::explore::choose(count) } else { 0 };
                let bit = unsafe { sys::nextrust_bit_of(waiting, number) };
                if unsafe { sys::nextrust_cas(self.waiting.as_ptr(), waiting, waiting ^ bit) } != 0 {
                    return;
                }
            }
        }

        /// Wake all who wait.
        pub fn notify_all(&self) {
            if self.waiting.load(Ordering::SeqCst) != 0 {
                self.waiting.store(0, Ordering::SeqCst);
            }
        }
    }

    /// A value that several threads at a time may read, or one may write. Neither readers nor writers go first.
    pub struct RwLock<T: ?Sized> {
        /// How many read, or -1: one writes.
        state: Mutex<i32>,
        changed: Condvar,
        value: UnsafeCell<T>,
    }

    unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
    unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

    impl<T> RwLock<T> {
        /// A lock that is free.
        pub const fn new(value: T) -> Self {
            RwLock { state: Mutex::new(0), changed: Condvar::new(), value: UnsafeCell::new(value) }
        }
    }

    impl<T: ?Sized> RwLock<T> {
        /// Wait until nobody writes, and read.
        pub fn read(&self) -> RwLockReadGuard<'_, T> {
            *self.changed.wait_while(self.state.lock(), |state| *state < 0) += 1;
            RwLockReadGuard { lock: self }
        }

        /// Wait until nobody reads or writes, and write.
        pub fn write(&self) -> RwLockWriteGuard<'_, T> {
            *self.changed.wait_while(self.state.lock(), |state| *state != 0) = -1;
            RwLockWriteGuard { lock: self }
        }

        fn leave(&self) {
            let mut state = self.state.lock();
            *state = if *state > 0 { *state - 1 } else { 0 };
            if *state == 0 {
                self.changed.notify_all();
            }
        }
    }

    /// Ends the reading where it is dropped.
    pub struct RwLockReadGuard<'a, T: ?Sized> {
        lock: &'a RwLock<T>,
    }

    impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            unsafe { &*self.lock.value.get() }
        }
    }

    impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
        fn drop(&mut self) {
            self.lock.leave();
        }
    }

    /// Ends the writing where it is dropped.
    pub struct RwLockWriteGuard<'a, T: ?Sized> {
        lock: &'a RwLock<T>,
    }

    impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            unsafe { &*self.lock.value.get() }
        }
    }

    impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            unsafe { &mut *self.lock.value.get() }
        }
    }

    impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
        fn drop(&mut self) {
            self.lock.leave();
        }
    }

    /// A value that the first who asks for it makes; the others wait for that.
    pub struct OnceLock<T> {
        made: Mutex<bool>,
        value: UnsafeCell<Option<T>>,
    }

    unsafe impl<T: Send> Send for OnceLock<T> {}
    unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

    impl<T> OnceLock<T> {
        /// There is none yet.
        pub const fn new() -> Self {
            OnceLock { made: Mutex::new(false), value: UnsafeCell::new(None) }
        }

        /// The value, if it has been made.
        pub fn get(&self) -> Option<&T> {
            let made = self.made.lock();
            if *made { unsafe { (*self.value.get()).as_ref() } } else { None }
        }

        /// The value, which `make` makes where it is not there. A `make` that asks for it again waits for itself.
        pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            let mut made = self.made.lock();
            if !*made {
                unsafe {
                    *self.value.get() = Some(make());
                }
                *made = true;
            }
            match unsafe { (*self.value.get()).as_ref() } {
                Some(value) => value,
                None => unreachable!(),
            }
        }
    }
}
