#![no_std]
#![no_main]

#[no_mangle]
pub extern "C" fn main(argc: i32) -> i32 {
    // Every argument is an hour; the 24th is one too many.
    clock::Time::new(60 * (argc as u32 - 1) + 5).show();
    0
}
