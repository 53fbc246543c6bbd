//! The program's arguments, as the start code keeps them.

pub use super::common::Args;
use crate::ffi::{CStr, OsString};
use crate::sys::pal::abi;

pub fn args() -> Args {
    let count = unsafe { abi::NXArgc }.max(0) as usize;
    let words = unsafe { abi::NXArgv };
    Args::new((0..count).map(|at| unsafe { word(*words.add(at)) }).collect())
}

unsafe fn word(text: *const u8) -> OsString {
    let bytes = unsafe { CStr::from_ptr(text.cast()) }.to_bytes();
    unsafe { OsString::from_encoded_bytes_unchecked(bytes.to_vec()) }
}
