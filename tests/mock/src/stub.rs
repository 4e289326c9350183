//! Entry points of C functions, one for each function of each plugin.
//!
//! Some calls carry no handle that would tell which plugin is meant, so every plugin needs entry
//! points of its own. They are all alike: each hands its own address to [`dispatch`], which tells
//! the plugin and the function by it.

use crate::call;
use crate::mock::Inner;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Plugins that can be there at once.
const PLUGINS: usize = 128;
/// Functions that a plugin can have.
pub(crate) const WIDTH: usize = 512;
/// Bytes of an entry point.
const STRIDE: usize = 16;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the mock plugin has entry points for x86-64 and 64-bit ARM only");

#[cfg(target_os = "macos")]
macro_rules! label {
    () => {
        "_pjrt_mock_stubs"
    };
}
#[cfg(not(target_os = "macos"))]
macro_rules! label {
    () => {
        "pjrt_mock_stubs"
    };
}

/// The register of the second argument.
#[cfg(all(target_arch = "x86_64", not(windows)))]
macro_rules! second {
    () => {
        "%rsi"
    };
}
#[cfg(all(target_arch = "x86_64", windows))]
macro_rules! second {
    () => {
        "%rdx"
    };
}

#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".text",
    ".p2align 4",
    concat!(".globl ", label!()),
    concat!(label!(), ":"),
    ".rept {count}",
    ".p2align 4",
    concat!("leaq -7(%rip), ", second!()),
    "jmp {dispatch}",
    ".endr",
    count = const PLUGINS * WIDTH,
    dispatch = sym dispatch,
    options(att_syntax)
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".text",
    ".p2align 4",
    concat!(".globl ", label!()),
    concat!(label!(), ":"),
    ".rept {count}",
    ".p2align 4",
    "adr x1, .",
    "b {dispatch}",
    ".endr",
    count = const PLUGINS * WIDTH,
    dispatch = sym dispatch,
);

unsafe extern "C" {
    static pjrt_mock_stubs: u8;
}

fn base() -> usize {
    (&raw const pjrt_mock_stubs) as usize
}

static PLACES: [RwLock<Option<Arc<Inner>>>; PLUGINS] = [const { RwLock::new(None) }; PLUGINS];
/// Free places; the one that was given back longest ago is taken first.
static FREE: Mutex<Option<VecDeque<usize>>> = Mutex::new(None);

/// Takes a place for a plugin.
pub(crate) fn reserve() -> usize {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    let free = free.get_or_insert_with(|| (0..PLUGINS).collect());
    free.pop_front()
        .unwrap_or_else(|| panic!("more than {PLUGINS} mock plugins at once: drop some"))
}

/// Puts the plugin at its place.
pub(crate) fn settle(place: usize, inner: Arc<Inner>) {
    if let Some(slot) = PLACES.get(place) {
        *slot.write().unwrap_or_else(PoisonError::into_inner) = Some(inner);
    }
}

/// Gives a place back: calls on it do nothing from then on.
pub(crate) fn release(place: usize) {
    if let Some(slot) = PLACES.get(place) {
        let old = slot.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(old);
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        free.get_or_insert_default().push_back(place);
    }
}

/// The plugin at a place.
pub(crate) fn at(place: usize) -> Option<Arc<Inner>> {
    let slot = PLACES.get(place)?;
    slot.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The plugin of an object: its place is the second of the words that the handle points to.
pub(crate) fn of_object(handle: *const c_void) -> Option<Arc<Inner>> {
    if handle.is_null() {
        return None;
    }
    // SAFETY: callers give back a handle that they got, which points to two words.
    let place = unsafe { handle.cast::<usize>().add(1).read() };
    at(place)
}

/// Address of the entry point of a function of the plugin at a place.
pub(crate) fn address(place: usize, function: usize) -> usize {
    assert!(function < WIDTH, "more functions than entry points");
    base() + (place * WIDTH + function) * STRIDE
}

/// Where every entry point leads.
unsafe extern "C" fn dispatch(args: *mut c_void, stub: usize) -> *mut c_void {
    let index = stub.wrapping_sub(base()) / STRIDE;
    let (place, function) = (index / WIDTH, index % WIDTH);
    let Some(inner) = at(place) else {
        // The plugin is gone, and so is everything that could be asked.
        return std::ptr::null_mut();
    };
    // SAFETY: the caller of the C function promises that the arguments are what its type says.
    unsafe { call::enter(&inner, function, args.cast()) }
}
