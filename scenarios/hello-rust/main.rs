#![no_std]
#![no_main]
extern crate next;

#[unsafe(no_mangle)]
extern "C" fn main(argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    next::write_all(1, b"Hello from Rust\n");
    argc + 41
}
