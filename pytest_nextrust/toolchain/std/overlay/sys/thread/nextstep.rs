//! Threads: the kernel's, of which a NeXT has none. There `spawn` answers an error.

use crate::ffi::CStr;
use crate::io;
use crate::num::NonZero;
use crate::ptr;
use crate::sys::pal::abi;
use crate::thread::ThreadInit;
use crate::time::Duration;

/// What the kernel gives a thread by itself.
pub const DEFAULT_MIN_STACK_SIZE: usize = 0x1_0000;

/// What `spawn` answers where every slot is taken.
const NO_SLOT: i32 = -1;

/// A thread that somebody may wait for; dropped, it goes on by itself.
pub struct Thread {
    slot: i32,
    stack: *mut u8,
    size: usize,
}

unsafe impl Send for Thread {}
unsafe impl Sync for Thread {}

impl Thread {
    /// # Safety
    /// As `Builder::spawn_unchecked` says.
    pub unsafe fn new(stack: usize, init: Box<ThreadInit>) -> io::Result<Thread> {
        if abi::kind() == abi::Kind::NeXT {
            return Err(io::Error::UNSUPPORTED_PLATFORM);
        }
        let (stack, size) = own_stack(stack)?;
        abi::end_alone();
        let begin = if stack.is_null() { 0 } else { stack.expose_provenance() + size - 4 };
        let data = Box::into_raw(init);
        let slot = unsafe {
            abi::nextrust_thread_spawn(abi::nextrust_thread_enter, begin, run as usize, data.expose_provenance())
        };
        if slot == NO_SLOT {
            drop(unsafe { Box::from_raw(data) });
            return Err(io::const_error!(io::ErrorKind::WouldBlock, "no more than 16 threads at once"));
        }
        Ok(Thread { slot, stack, size })
    }

    pub fn join(self) {
        unsafe {
            abi::nextrust_thread_join(self.slot, ptr::null_mut());
            if !self.stack.is_null() {
                abi::vm_deallocate(self.stack, self.size);
            }
        }
        crate::mem::forget(self);
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // A stack of its own stays: who would know when it is no longer used.
        unsafe { abi::nextrust_thread_detach(self.slot) };
    }
}

/// A stack for a thread that asks for more than the kernel's own; an exploration has no others.
fn own_stack(size: usize) -> io::Result<(*mut u8, usize)> {
    if size <= DEFAULT_MIN_STACK_SIZE || abi::kind() == abi::Kind::Explored {
        return Ok((ptr::null_mut(), 0));
    }
    let stack = abi::vm_allocate(size);
    if stack.is_null() { Err(io::ErrorKind::OutOfMemory.into()) } else { Ok((stack, size & !3)) }
}

unsafe extern "C" fn run(init: *mut ThreadInit) -> ! {
    unsafe {
        let work = Box::from_raw(init).init();
        work();
        crate::sys::thread_local::key::run_destructors();
        abi::nextrust_thread_end(0)
    }
}

pub fn available_parallelism() -> io::Result<NonZero<usize>> {
    Ok(NonZero::<usize>::MIN)
}

pub fn current_os_id() -> Option<u64> {
    Some(u64::from(abi::own_name()))
}

pub fn set_name(_name: &CStr) {}

pub fn yield_now() {
    unsafe { abi::swtch_pri(0) };
}

/// In an exploration others may run, and how long is left open.
pub fn sleep(time: Duration) {
    if abi::kind() == abi::Kind::Explored {
        return yield_now();
    }
    const MOST: u64 = 0x7fff_ffff;
    let mut seconds = time.as_secs();
    let mut microseconds = time.subsec_nanos().div_ceil(1000) as i32;
    loop {
        let part = seconds.min(MOST);
        let mut left = abi::Timeval { seconds: part as i32, microseconds };
        unsafe { abi::select(0, ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), &mut left) };
        seconds -= part;
        microseconds = 0;
        if seconds == 0 {
            return;
        }
    }
}
