#![no_std]
#![no_main]
extern crate alloc;
extern crate next;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use next::sys;

struct Tree {
    left: Option<Box<Tree>>,
    right: Option<Box<Tree>>,
    key: u32,
}

fn insert(tree: &mut Option<Box<Tree>>, key: u32) {
    match tree {
        None => *tree = Some(Box::new(Tree { left: None, right: None, key })),
        Some(node) => insert(if key < node.key { &mut node.left } else { &mut node.right }, key),
    }
}

fn depth(tree: &Option<Box<Tree>>) -> u32 {
    match tree {
        None => 0,
        Some(node) => 1 + depth(&node.left).max(depth(&node.right)),
    }
}

fn read_file(path: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut buffer = [0u8; 7];
    unsafe {
        let fd = sys::open(path.as_ptr(), sys::O_RDONLY, 0);
        loop {
            let n = sys::read(fd, buffer.as_mut_ptr(), buffer.len() as u32);
            if n <= 0 {
                break;
            }
            text.extend_from_slice(&buffer[..n as usize]);
        }
        sys::close(fd);
    }
    text
}

/// Counts the words of a file and writes them back sorted, each with its count in unary: no core::fmt is needed.
#[unsafe(no_mangle)]
extern "C" fn main(_argc: i32, _argv: *const *const u8, _envp: *const *const u8) -> i32 {
    let text = read_file(b"/words.txt\0");
    let mut words: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    for word in text.split(|byte| *byte == b' ' || *byte == b'\n').filter(|word| !word.is_empty()) {
        *words.entry(word.to_vec()).or_insert(0) += 1;
    }
    let mut out = Vec::new();
    for (word, count) in &words {
        out.extend_from_slice(word);
        for _ in 0..*count {
            out.push(b'*');
        }
        out.push(b'\n');
    }
    next::write_all(1, &out);
    unsafe {
        let fd = sys::open(b"/counts.txt\0".as_ptr(), sys::O_WRONLY | sys::O_CREAT | sys::O_TRUNC, 0o644);
        next::write_all(fd, &out);
        sys::close(fd);
    }
    let mut tree = None;
    let mut key = 12345u32;
    for _ in 0..200 {
        key = key.wrapping_mul(1664525).wrapping_add(1013904223);
        insert(&mut tree, key >> 8);
    }
    let mut blocks: Vec<Vec<u32>> = Vec::new();
    for n in 0..100u32 {
        blocks.push((0..n * 3).collect());
        if n % 3 == 2 {
            blocks.swap_remove((n / 2) as usize % blocks.len());
        }
    }
    let total: u32 = blocks.iter().map(|block| block.iter().sum::<u32>() + block.len() as u32).fold(0, u32::wrapping_add);
    let ok = depth(&tree) == DEPTH && total == TOTAL;
    next::write_all(1, if ok { b"ok\n" } else { b"wrong\n" });
    words.len() as i32
}

const DEPTH: u32 = 18;
const TOTAL: u32 = 1213098;
