//! The heap: blocks of sizes that are powers of two, and every thread has its own, by slot.
//!
//! A layout says how large a block is, so that none has a head. What a thread frees is its own from then on, whoever took
//! it: no two threads touch a word of what is kept of them. What is larger than `LARGEST` bytes, or aligned to more than
//! `ALIGNED`, is in pages of its own; an exploration, which gives each thread 256 KiB, has it among the others.

use crate::alloc::{GlobalAlloc, Layout, System};
use crate::cell::UnsafeCell;
use crate::ptr;
use crate::sys::pal::abi;

/// The smallest block, and what every block is aligned to.
const ALIGNED: usize = 16;
const LARGEST: usize = 0x8000;
/// Taken from the kernel at once.
const ARENA: usize = 0x1_0000;
/// Sizes, from `ALIGNED` to `MOST`.
const SIZES: usize = 27;
const MOST: usize = ALIGNED << (SIZES - 1);
const PAGE: usize = 0x2000;

struct Block {
    next: *mut Block,
}

/// One thread's free blocks by size, and what is left of its arena.
struct Own {
    free: [*mut Block; SIZES],
    begin: *mut u8,
    left: usize,
}

struct Heap([UnsafeCell<Own>; abi::SLOTS]);

/// A thread uses what is in its own slot.
unsafe impl Sync for Heap {}

static HEAP: Heap = Heap(
    [const { UnsafeCell::new(Own { free: [ptr::null_mut(); SIZES], begin: ptr::null_mut(), left: 0 }) }; abi::SLOTS],
);

/// The size of a layout's block; None for one that no memory holds.
fn size_of_block(layout: Layout) -> Option<usize> {
    let least = layout.size().max(ALIGNED);
    if least > MOST { None } else { Some(least.next_power_of_two()) }
}

/// Whether a block of this size, for this layout, is in pages of its own.
fn has_pages(size: usize, layout: Layout) -> bool {
    (size > LARGEST || layout.align() > ALIGNED) && abi::kind() != abi::Kind::Explored
}

impl Own {
    fn list(&mut self, size: usize) -> &mut *mut Block {
        &mut self.free[(size.trailing_zeros() - ALIGNED.trailing_zeros()) as usize]
    }

    unsafe fn take(&mut self, size: usize) -> *mut u8 {
        let free = self.list(size);
        let block = *free;
        if block.is_null() {
            return unsafe { self.fresh(size) };
        }
        *free = unsafe { (*block).next };
        block.cast()
    }

    unsafe fn give(&mut self, data: *mut u8, size: usize) {
        let free = self.list(size);
        let block = data.cast::<Block>();
        unsafe { (*block).next = *free };
        *free = block;
    }

    /// A block that nobody had yet.
    unsafe fn fresh(&mut self, size: usize) -> *mut u8 {
        if abi::kind() == abi::Kind::Explored {
            return explored(size);
        }
        if self.left < size {
            // What is left of the last arena is given up.
            let arena = abi::vm_allocate(ARENA);
            if arena.is_null() {
                return arena;
            }
            self.begin = arena;
            self.left = ARENA;
        }
        let block = self.begin;
        self.begin = unsafe { block.add(size) };
        self.left -= size;
        block
    }
}

/// More of what an exploration gives each thread: at a multiple of 16.
fn explored(size: usize) -> *mut u8 {
    ptr::with_exposed_provenance_mut(unsafe { abi::nextrust_heap(size as u32) })
}

#[stable(feature = "alloc_system_type", since = "1.28.0")]
unsafe impl GlobalAlloc for System {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(size) = size_of_block(layout) else { return ptr::null_mut() };
        if has_pages(size, layout) {
            return if layout.align() > PAGE { ptr::null_mut() } else { abi::vm_allocate(size) };
        }
        if layout.align() > ALIGNED {
            let room = explored(size + layout.align());
            return if room.is_null() { room } else { unsafe { room.add(room.align_offset(layout.align())) } };
        }
        unsafe { (*HEAP.0[abi::slot()].get()).take(size) }
    }

    unsafe fn dealloc(&self, data: *mut u8, layout: Layout) {
        let Some(size) = size_of_block(layout) else { return };
        if has_pages(size, layout) {
            unsafe { abi::vm_deallocate(data, size) };
        } else {
            unsafe { (*HEAP.0[abi::slot()].get()).give(data, size) };
        }
    }

    unsafe fn realloc(&self, data: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let wanted = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        if size_of_block(wanted) == size_of_block(layout) {
            return data;
        }
        unsafe { super::realloc_fallback(self, data, layout, new_size) }
    }
}
