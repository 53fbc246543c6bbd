//! Standard input, output and error: descriptors 0, 1 and 2.

use crate::io;
use crate::sys::pal::{abi, cvt};

pub struct Stdin;
pub struct Stdout;
pub struct Stderr;

/// What one call reads or writes at most.
const MOST: usize = 0x7fff_ffff;

impl Stdin {
    pub const fn new() -> Stdin {
        Stdin
    }
}

impl io::Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = buffer.len().min(MOST) as u32;
        cvt(unsafe { abi::read(0, buffer.as_mut_ptr(), size) }).map(|done| done as usize)
    }
}

fn write(fd: i32, data: &[u8]) -> io::Result<usize> {
    cvt(unsafe { abi::write(fd, data.as_ptr(), data.len().min(MOST) as u32) }).map(|done| done as usize)
}

impl Stdout {
    pub const fn new() -> Stdout {
        Stdout
    }
}

impl io::Write for Stdout {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        write(1, data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stderr {
    pub const fn new() -> Stderr {
        Stderr
    }
}

impl io::Write for Stderr {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        write(2, data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub const STDIN_BUF_SIZE: usize = crate::sys::io::DEFAULT_BUF_SIZE;

/// Whether a descriptor is closed, which is no error of a program that writes to it.
pub fn is_ebadf(error: &io::Error) -> bool {
    error.raw_os_error() == Some(9)
}

pub fn panic_output() -> Option<impl io::Write> {
    Some(Stderr::new())
}
