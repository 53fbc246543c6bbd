//! A time of day, as text on a descriptor.
#![no_std]

use digits::Sink;

extern "C" {
    fn write(fd: i32, data: *const u8, size: usize) -> i32;
}

/// The program's output.
pub struct Out;

impl Sink for Out {
    fn put(&mut self, byte: u8) {
        unsafe { write(1, &byte, 1) };
    }
}

/// A time of day. Panics where there is no such time.
pub struct Time {
    pub hour: u32,
    pub minute: u32,
}

impl Time {
    pub fn new(minutes: u32) -> Time {
        assert!(minutes < 24 * 60, "a day has no minute {minutes}");
        Time { hour: minutes / 60, minute: minutes % 60 }
    }

    pub fn show(&self) {
        let parts = [self.hour, self.minute];
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                Out.put(b':');
            }
            digits::write(&mut Out, part);
        }
        if cfg!(feature = "seconds") {
            Out.put(b'"');
        }
        Out.put(b'\n');
    }
}
