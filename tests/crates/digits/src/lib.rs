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

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum(u32, u32);

    impl Sink for Sum {
        fn put(&mut self, byte: u8) {
            self.0 = 10 * self.0 + u32::from(byte - b'0');
            self.1 += 1;
        }
    }

    #[test]
    fn one_digit() {
        let mut sum = Sum(0, 0);
        write(&mut sum, 7);
        assert!(sum.0 == 7 && sum.1 == if cfg!(feature = "padded") { 2 } else { 1 });
    }

    #[test]
    #[should_panic]
    fn a_sink_that_takes_no_digit() {
        struct Full;
        impl Sink for Full {
            fn put(&mut self, _byte: u8) {
                panic!("full");
            }
        }
        write(&mut Full, 3);
    }
}
