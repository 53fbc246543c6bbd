//! The crate `test` for programs that rustc makes of `#[test]` functions: what their generated `main` names, without std.
//!
//! A test is a run of its own, which the host starts (`nextrust runner`). Without arguments the program writes where its
//! tests are described, and how a description is laid out: the host reads them in the program's file. With a word and N
//! arguments after it, whatever they are, it runs test N and then, if the test comes back, writes the word. The word is
//! another one each time, so that nothing passes that did not come to its end here. A panic ends the program with status
//! 101, as everywhere; a test that answers an error ends it with 102.
//!
//! What is under test may be the compiler: rustc 1.96.0 gets loops over bytes and choices between texts wrong. So there
//! are none here, and no argument is read. Nothing is formatted but what a test's error says of itself.
#![no_std]
#![crate_name = "test"]
#![feature(formatting_options, lang_items, never_type)]
#![allow(internal_features)]

use core::fmt::{self, Debug, Formatter, FormattingOptions, Write};
use core::mem::{offset_of, size_of};

unsafe extern "C" {
    fn write(fd: i32, data: *const u8, size: usize) -> isize;
    fn _exit(status: i32) -> !;
    static NXArgc: i32;
    static NXArgv: *const *const u8;
}

/// Bytes of the word.
const WORD: usize = 32;

const FAILED: i32 = 102;
const MISUSED: i32 = 103;

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub enum ShouldPanic {
    No,
    Yes,
    YesWithMessage(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub enum TestType {
    UnitTest,
    IntegrationTest,
    DocTest,
    Unknown,
}

#[repr(transparent)]
pub enum TestName {
    StaticTestName(&'static str),
}
pub use TestName::StaticTestName;

#[repr(C)]
pub struct TestDesc {
    pub name: TestName,
    pub ignore: bool,
    pub ignore_message: Option<&'static str>,
    pub source_file: &'static str,
    pub start_line: usize,
    pub start_col: usize,
    pub end_line: usize,
    pub end_col: usize,
    pub should_panic: ShouldPanic,
    pub compile_fail: bool,
    pub no_run: bool,
    pub test_type: TestType,
}

#[repr(u8)]
pub enum TestFn {
    StaticTestFn(fn()),
    StaticBenchFn(fn(&mut Bencher)),
}
pub use TestFn::{StaticBenchFn, StaticTestFn};

/// Benchmarks are not run: the machine counts instructions, not time.
pub struct Bencher(());

impl Bencher {
    pub fn iter<T, F: FnMut() -> T>(&mut self, _inner: F) {}
}

#[repr(C)]
pub struct TestDescAndFn {
    pub desc: TestDesc,
    pub testfn: TestFn,
}

/// A mark, then the size of a description and where in it name, ignore, ignore_message, should_panic and testfn are.
/// A text is its address and its size; an enum begins with the number of its variant, in one byte, and goes on two later.
static LAYOUT: [usize; 7] = [
    0x6e78_7431,
    size_of::<TestDescAndFn>(),
    offset_of!(TestDescAndFn, desc.name),
    offset_of!(TestDescAndFn, desc.ignore),
    offset_of!(TestDescAndFn, desc.ignore_message),
    offset_of!(TestDescAndFn, desc.should_panic),
    offset_of!(TestDescAndFn, testfn),
];

/// What a test may answer. `come_back` comes back where that means that the test has passed.
#[lang = "termination"]
pub trait Termination {
    fn come_back(self);
}

impl Termination for () {
    fn come_back(self) {}
}

impl Termination for ! {
    fn come_back(self) {
        self
    }
}

impl<T: Termination, E: Debug> Termination for Result<T, E> {
    fn come_back(self) {
        match self {
            Ok(value) => value.come_back(),
            Err(error) => {
                // Not by write!: what goes through its templates is what rustc 1.96.0 gets wrong.
                let _ = Errors.write_str("Error: ");
                let _ = error.fmt(&mut Formatter::new(&mut Errors, FormattingOptions::new()));
                let _ = Errors.write_str("\n");
                unsafe { _exit(FAILED) }
            }
        }
    }
}

pub fn assert_test_result<T: Termination>(result: T) {
    result.come_back()
}

struct Errors;

impl Write for Errors {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        unsafe { write(2, text.as_ptr(), text.len()) };
        Ok(())
    }
}

pub fn test_main_static(tests: &[&TestDescAndFn]) {
    nextrust_test_main(tests)
}

/// What rustc calls where panics abort, as they do here.
pub fn test_main_static_abort(tests: &[&TestDescAndFn]) {
    nextrust_test_main(tests)
}

/// By this name the host knows a program that has tests, and its linker one that has lost them (`#![no_main]`).
#[unsafe(no_mangle)]
#[inline(never)]
fn nextrust_test_main(tests: &[&TestDescAndFn]) {
    unsafe {
        if NXArgc < 2 {
            write(1, LAYOUT.as_ptr().cast(), size_of_val(&LAYOUT));
            write(1, tests.as_ptr().cast(), size_of_val(tests));
            _exit(0)
        }
        let StaticTestFn(test) = tests.get_unchecked(NXArgc as usize - 2).testfn else { _exit(MISUSED) };
        test();
        write(1, *NXArgv.add(1), WORD);
        _exit(0)
    }
}

/// What a generated `main` is started by; a program of tests has no other start.
#[lang = "start"]
fn start<T: Termination + 'static>(main: fn() -> T, _argc: isize, _argv: *const *const u8, _sigpipe: u8) -> isize {
    main().come_back();
    0
}
