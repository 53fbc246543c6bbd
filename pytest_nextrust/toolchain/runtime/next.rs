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

/// First fit over arenas from vm_allocate; freed blocks are kept in address order and joined with their neighbours.
pub struct Heap {
    free: UnsafeCell<*mut Block>,
}

/// A NeXT program that uses this heap has one thread.
unsafe impl Sync for Heap {}

impl Heap {
    unsafe fn take(&self, need: usize) -> *mut u8 {
        unsafe {
            let mut at = self.free.get();
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
            let mut at = self.free.get();
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
                let arena = (need + HEAD + ARENA - 1) & !(ARENA - 1);
                let Ok(fresh) = vm_allocate(arena) else {
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
static HEAP: Heap = Heap { free: UnsafeCell::new(ptr::null_mut()) };
