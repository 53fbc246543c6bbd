//! NeXTSTEP on the m68k: what the rest of `std` asks of a platform as a whole.

#![deny(unsafe_op_in_unsafe_fn)]

pub mod abi;
pub mod futex;

use crate::io;

/// Once, before `main`.
///
/// # Safety
/// No other thread runs.
pub unsafe fn init(_argc: isize, _argv: *const *const u8, _sigpipe: u8) {
    abi::begin();
}

/// Once, after `main` or in `process::exit`.
///
/// # Safety
/// The caller's thread locals are not used afterwards.
pub unsafe fn cleanup() {
    unsafe { crate::sys::thread_local::key::run_destructors() };
}

pub fn unsupported<T>() -> io::Result<T> {
    Err(unsupported_err())
}

pub fn unsupported_err() -> io::Error {
    io::Error::UNSUPPORTED_PLATFORM
}

pub fn abort_internal() -> ! {
    unsafe { abi::abort() }
}

/// A system call's answer: -1 means that `errno` says why.
pub fn cvt(answer: i32) -> io::Result<i32> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// The same, made again as long as a signal interrupts it.
pub fn cvt_r(mut call: impl FnMut() -> i32) -> io::Result<i32> {
    loop {
        match cvt(call()) {
            Err(error) if error.is_interrupted() => {}
            answer => return answer,
        }
    }
}
