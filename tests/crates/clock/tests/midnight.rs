//! An integration test without a harness: its status is the verdict.
#![no_std]
#![no_main]

#[no_mangle]
pub extern "C" fn main() -> i32 {
    let time = clock::Time::new(0);
    (time.hour + time.minute) as i32
}
