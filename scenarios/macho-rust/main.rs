#![no_std]
#![no_main]
extern crate next;

static WORDS: [&[u8]; 3] = [b"one", b"two", b"three"];
static mut COUNTER: i32 = 38;
static mut ZEROS: [u8; 3000] = [0; 3000];

/// Pointers in data, so that absolute relocations are applied; data that is zero to start with.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let mut at = 0;
    while at < 3 {
        next::write_all(1, WORDS[at]);
        next::write_all(1, if at < 2 { b" " } else { b"\n" });
        unsafe { COUNTER += at as i32 };
        at += 1;
    }
    unsafe { COUNTER + i32::from(ZEROS[2999]) }
}
