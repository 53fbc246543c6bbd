#![no_std]
#![no_main]
extern crate next;

use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering};

/// A loop around cas ends when the object still held what was read before, whatever that was.
#[inline(never)]
fn add(object: &AtomicU32, value: u32) -> u32 {
    object.fetch_add(value, Ordering::SeqCst)
}

#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let object = AtomicU32::new(black_box(0));
    let before = add(&object, black_box(6));
    if before == 0 && object.load(Ordering::SeqCst) == 6 { 66 } else { 1 }
}
