//! Tables that end where readable memory ends: who reads past them is ended by the machine.

use pjrt_sys::{PJRT_Api, PJRT_Extension_Base};
use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr;

const PAGE: usize = 4096;
const WORD: usize = size_of::<usize>();

/// Memory whose last word is followed by a page that nobody may touch. It stays as long as the
/// process, as tables do.
fn guarded(bytes: &[u8]) -> *mut u8 {
    let readable = bytes.len().next_multiple_of(PAGE).max(PAGE);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: new memory, of nobody else's.
    let start = unsafe { libc::mmap(ptr::null_mut(), readable + PAGE, access, flags, -1, 0) };
    assert_ne!(start, libc::MAP_FAILED, "no memory");
    // SAFETY: the last page of what was mapped; nothing lies there.
    let closed = unsafe { libc::mprotect(start.byte_add(readable), PAGE, libc::PROT_NONE) };
    assert_eq!(closed, 0);
    // A table begins at a word's boundary; one of odd length ends as near to the guard as it can.
    let at = readable - bytes.len().next_multiple_of(WORD);
    let table: *mut c_void = start.wrapping_byte_add(at);
    // SAFETY: the bytes fit into the readable pages.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), table.cast(), bytes.len()) };
    table.cast()
}

/// The first bytes of a table, with words that are cleared and a size that it says.
///
/// # Safety
///
/// So many bytes can be read there, which are at least a word.
unsafe fn part(table: *const u8, length: usize, said: usize, absent: &[usize]) -> *mut u8 {
    // SAFETY: the caller's promise.
    let mut bytes = unsafe { std::slice::from_raw_parts(table, length) }.to_vec();
    bytes[..WORD].copy_from_slice(&said.to_ne_bytes());
    for offset in absent.iter().filter(|offset| **offset + WORD <= length) {
        bytes[*offset..*offset + WORD].fill(0);
    }
    guarded(&bytes)
}

/// What is to become of a table.
pub struct Cut {
    /// Bytes that are there.
    pub length: usize,
    /// What it says of its size.
    pub said: usize,
    /// Offsets of words that are null.
    pub absent: Vec<usize>,
}

/// A copy of a plugin's table and of those of its extensions, each cut as asked for and with a guard
/// behind it. `of_node` is given an extension's number and size; without `sizes` nodes have none,
/// and the chain is left out.
///
/// # Safety
///
/// The table is a plugin's, as long as the cut says at most, and its chain is sound.
pub unsafe fn copy(
    table: *const PJRT_Api,
    main: &Cut,
    sizes: bool,
    mut of_node: impl FnMut(u32, usize) -> Cut,
) -> *const PJRT_Api {
    let mut chain: *mut PJRT_Extension_Base = ptr::null_mut();
    // SAFETY: every table is longer than this field's offset.
    let mut node = unsafe { (*table).extension_start };
    while sizes && !node.is_null() {
        // SAFETY: the caller's promise.
        let (size, kind, next) = unsafe { ((*node).struct_size, (*node).type_, (*node).next) };
        let cut = of_node(kind.0, size);
        // SAFETY: the node is as long as it says, and the cut no longer.
        let copy = unsafe { part(node.cast(), cut.length, cut.said, &cut.absent) };
        let copy: *mut PJRT_Extension_Base = copy.cast();
        // SAFETY: a cut leaves the words that every node has.
        unsafe { (*copy).next = chain };
        (chain, node) = (copy, next);
    }
    // SAFETY: the caller's promise.
    let copy = unsafe { part(table.cast(), main.length, main.said, &main.absent) };
    let link = offset_of!(PJRT_Api, extension_start);
    if link + WORD <= main.length {
        // SAFETY: the link lies within the copy.
        unsafe {
            copy.add(link)
                .cast::<*mut PJRT_Extension_Base>()
                .write(chain)
        };
    }
    copy.cast_const().cast()
}
