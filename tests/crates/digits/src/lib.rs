//! Numbers as text, in the edition of 2018: `async` is a word of it, `dyn` is not needed for a trait object.
#![no_std]
#![allow(bare_trait_objects)]

/// Where text goes.
pub trait Sink {
    fn put(&mut self, byte: u8);
}

/// Writes a number in decimal; with the feature `padded`, of two digits at least.
pub fn write(sink: &mut Sink, value: u32) {
    if value >= 10 {
        write(sink, value / 10);
    } else if cfg!(feature = "padded") {
        sink.put(b'0');
    }
    sink.put(b'0' + (value % 10) as u8);
}
