//! Thread locals: each thread has a list of those that it has used, by the addresses of their keys.
//!
//! A key is its own address, so that nothing is shared among threads: using a thread local costs no interleavings.

use crate::cell::UnsafeCell;
use crate::ptr;
use crate::sys::pal::abi;

pub type Key = &'static LazyKey;
type Destructor = unsafe extern "C" fn(*mut u8);

/// How often destructors are run that make new values, as POSIX has it at least.
const ROUNDS: usize = 5;

pub struct LazyKey {
    destructor: Option<Destructor>,
}

impl LazyKey {
    pub const fn new(destructor: Option<Destructor>) -> LazyKey {
        LazyKey { destructor }
    }

    pub fn force(&'static self) -> Key {
        self
    }
}

struct Entry {
    key: Key,
    value: *mut u8,
    next: *mut Entry,
}

struct Lists([UnsafeCell<*mut Entry>; abi::SLOTS]);

/// A thread uses the list of its own slot.
unsafe impl Sync for Lists {}

static LISTS: Lists = Lists([const { UnsafeCell::new(ptr::null_mut()) }; abi::SLOTS]);

fn own() -> *mut *mut Entry {
    LISTS.0[abi::slot()].get()
}

unsafe fn entry(key: Key) -> *mut Entry {
    let mut at = unsafe { *own() };
    while !at.is_null() && !ptr::eq(unsafe { (*at).key }, key) {
        at = unsafe { (*at).next };
    }
    at
}

/// # Safety
/// None is needed; other platforms' keys have to exist.
pub unsafe fn get(key: Key) -> *mut u8 {
    let found = unsafe { entry(key) };
    if found.is_null() { ptr::null_mut() } else { unsafe { (*found).value } }
}

/// # Safety
/// The value is one that the key's destructor takes.
pub unsafe fn set(key: Key, value: *mut u8) {
    unsafe {
        let found = entry(key);
        if !found.is_null() {
            (*found).value = value;
        } else if !value.is_null() {
            let list = own();
            let made = Box::new_in(Entry { key, value, next: *list }, crate::alloc::System);
            *list = Box::into_raw_with_allocator(made).0;
        }
    }
}

/// The caller's thread ends: what its thread locals hold is dropped.
///
/// # Safety
/// None of them is in use.
pub unsafe fn run_destructors() {
    unsafe {
        for _ in 0..ROUNDS {
            if !run_once() {
                break;
            }
        }
        let list = own();
        while !(*list).is_null() {
            let gone = Box::from_raw_in(*list, crate::alloc::System);
            *list = gone.next;
        }
    }
}

/// Whether there was a destructor to run.
unsafe fn run_once() -> bool {
    let mut any = false;
    let mut at = unsafe { *own() };
    while !at.is_null() {
        unsafe {
            let (value, destructor) = ((*at).value, (*at).key.destructor);
            if let (false, Some(destructor)) = (value.is_null(), destructor) {
                (*at).value = ptr::null_mut();
                destructor(value);
                any = true;
            }
            at = (*at).next;
        }
    }
    any
}
