//! The functions that a plugin calls for a store.
//!
//! XLA's plugins leave every field of the arguments that they do not need unset, the size and the
//! outputs among them: the structs are touched field by field, and what is unset is not read.

use super::KeyValueStore;
use super::words::shown;
use crate::rt::{self, Numbered, contained, numbered};
use crate::{CallbackError, ErrorCode, sys};
use std::any::Any;
use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

/// A store in the place where plugins find it.
struct Store(Arc<dyn KeyValueStore>);

// SAFETY: not sound. A build with this cfg only shows what compiles, and is never run.
#[cfg(pjrt_mutant = "kv_store_not_sync")]
unsafe impl Send for Store {}
// SAFETY: as above.
#[cfg(pjrt_mutant = "kv_store_not_sync")]
unsafe impl Sync for Store {}

/// What a plugin is given for a store, until this is dropped.
pub(crate) struct Callbacks {
    store: Option<Numbered>,
    try_get: bool,
}

impl Callbacks {
    /// `try_get` says whether the plugin knows the function that does not wait.
    pub(crate) fn new(store: Option<&Arc<dyn KeyValueStore>>, try_get: bool) -> Callbacks {
        Callbacks {
            store: store.map(|store| Numbered::new(Arc::new(Store(store.clone())))),
            try_get,
        }
    }

    /// What the functions are called with.
    pub(crate) fn data(&self) -> *mut c_void {
        self.store.as_ref().map_or(ptr::null_mut(), Numbered::data)
    }

    pub(crate) fn get(&self) -> sys::PJRT_KeyValueGetCallback {
        self.store.as_ref().map(|_| get as _)
    }

    pub(crate) fn try_get(&self) -> sys::PJRT_KeyValueTryGetCallback {
        let store = self.store.as_ref().filter(|_| self.try_get);
        store.map(|_| try_get as _)
    }

    pub(crate) fn put(&self) -> sys::PJRT_KeyValuePutCallback {
        self.store.as_ref().map(|_| put as _)
    }

    /// What must stay as long as the client, if there is anything.
    pub(crate) fn kept(self) -> Option<Box<dyn Any + Send + Sync>> {
        let store = self.store?;
        Some(Box::new(store))
    }
}

/// Runs what a store does for a plugin. Nothing unwinds, and a panic is an error.
fn ask<T>(
    data: *mut c_void,
    body: impl FnOnce(&dyn KeyValueStore) -> Result<T, CallbackError>,
) -> Result<T, CallbackError> {
    let mut answer = Err(CallbackError::new(
        ErrorCode::INTERNAL,
        "the key-value store panicked",
    ));
    contained(|| {
        answer = match numbered::<Store>(data) {
            Some(store) => body(store.0.as_ref()),
            None => Err(CallbackError::new(
                ErrorCode::FAILED_PRECONDITION,
                "the client that the key-value store was given to is gone",
            )),
        };
    });
    answer
}

/// # Safety
///
/// A pointer that is not null has so many bytes, which stay as they are through the use.
unsafe fn bytes<'a>(pointer: *const c_char, size: usize) -> Result<&'a [u8], CallbackError> {
    if size == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() || !rt::fits(pointer, size) {
        return Err(CallbackError::new(
            ErrorCode::INVALID_ARGUMENT,
            "a key or value without its bytes",
        ));
    }
    // SAFETY: the caller vouches for the bytes.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), size) })
}

unsafe extern "C" fn get(args: *mut sys::PJRT_KeyValueGetCallback_Args) -> *mut sys::PJRT_Error {
    // SAFETY: the plugin gives args whose inputs are set; their bytes live through the call.
    let (key, timeout, data) = unsafe {
        let key = bytes((*args).key, (*args).key_size);
        (key, (*args).timeout_in_ms, (*args).user_arg)
    };
    // A wait without end, cut to the width of the field, is negative.
    let timeout = u64::try_from(timeout).map_or(Duration::MAX, Duration::from_millis);
    let answer = ask(data, |store| {
        let key = key?;
        store.get(key, timeout)?.ok_or_else(|| {
            let key = shown(key);
            let problem = format!("nobody has put `{key}` within {timeout:?}");
            CallbackError::new(ErrorCode::DEADLINE_EXCEEDED, problem)
        })
    });
    let (value, error) = handed(answer);
    // SAFETY: the outputs are the plugin's to read after the call.
    unsafe {
        (*args).value = value.start;
        (*args).value_size = value.size;
        (*args).value_deleter_callback = Some(free);
        failed(error, (*args).callback_error)
    }
}

unsafe extern "C" fn try_get(
    args: *mut sys::PJRT_KeyValueTryGetCallback_Args,
) -> *mut sys::PJRT_Error {
    // SAFETY: the plugin gives args whose inputs are set; their bytes live through the call.
    let (key, data) = unsafe { (bytes((*args).key, (*args).key_size), (*args).user_arg) };
    let answer = ask(data, |store| {
        let key = key?;
        store.try_get(key)?.ok_or_else(|| {
            let key = shown(key);
            CallbackError::new(ErrorCode::NOT_FOUND, format!("nobody has put `{key}` yet"))
        })
    });
    let (value, error) = handed(answer);
    // SAFETY: the outputs are the plugin's to read after the call.
    unsafe {
        (*args).value = value.start;
        (*args).value_size = value.size;
        (*args).value_deleter_callback = Some(free);
        failed(error, (*args).callback_error)
    }
}

unsafe extern "C" fn put(args: *mut sys::PJRT_KeyValuePutCallback_Args) -> *mut sys::PJRT_Error {
    // SAFETY: the plugin gives args that are set; their bytes live through the call.
    let (key, value, data, make) = unsafe {
        (
            bytes((*args).key, (*args).key_size),
            bytes((*args).value, (*args).value_size),
            (*args).user_arg,
            (*args).callback_error,
        )
    };
    let answer = ask(data, |store| store.put(key?, value?));
    // SAFETY: the plugin gave the function for this call.
    unsafe { failed(answer.err(), make) }
}

/// Null for no error.
///
/// # Safety
///
/// As [`CallbackError::give`].
unsafe fn failed(
    error: Option<CallbackError>,
    make: *mut sys::PJRT_CallbackError,
) -> *mut sys::PJRT_Error {
    match error {
        None => ptr::null_mut(),
        // SAFETY: the caller's promise.
        Some(error) => unsafe { error.give(make) },
    }
}

/// A value in memory that a plugin frees knowing nothing but where it starts.
struct Value {
    start: *mut c_char,
    size: usize,
}

/// Bytes of a word.
const WORD: usize = size_of::<usize>();

/// Lays a value behind the number of words that it takes, and one zero byte at least after it. Where
/// there is no value, there is no memory either.
fn handed(answer: Result<Vec<u8>, CallbackError>) -> (Value, Option<CallbackError>) {
    let nothing = Value {
        start: ptr::null_mut(),
        size: 0,
    };
    let value = match answer {
        Ok(value) => value,
        Err(error) => return (nothing, Some(error)),
    };
    let words = value.len() / WORD + 2;
    let mut memory: Vec<usize> = Vec::new();
    if memory.try_reserve_exact(words).is_err() {
        let problem = format!("there is no memory for a value of {} bytes", value.len());
        let error = CallbackError::new(ErrorCode::RESOURCE_EXHAUSTED, problem);
        return (nothing, Some(error));
    }
    memory.push(words);
    memory.resize(words, 0);
    let start = Box::into_raw(memory.into_boxed_slice())
        .cast::<usize>()
        .wrapping_add(1)
        .cast::<u8>();
    // SAFETY: behind the first word are at least as many bytes as the value has.
    unsafe { ptr::copy_nonoverlapping(value.as_ptr(), start, value.len()) };
    let value = Value {
        start: start.cast(),
        size: value.len(),
    };
    (value, None)
}

/// Frees a value.
unsafe extern "C" fn free(value: *mut c_char) {
    if value.is_null() {
        return;
    }
    let start = value.cast::<usize>().wrapping_sub(1);
    // SAFETY: the plugin brings back, once, what `handed` made: the number of words stands first.
    drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(start, *start)) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_freed_by_its_start_alone() {
        for length in [0, 1, WORD - 1, WORD, WORD + 1, 1000] {
            let bytes: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let (value, error) = handed(Ok(bytes.clone()));
            assert_eq!((value.size, error), (length, None));
            // SAFETY: the memory has the value and a zero byte after it.
            let found = unsafe { std::slice::from_raw_parts(value.start.cast::<u8>(), length + 1) };
            assert_eq!(found, [&bytes[..], &[0]].concat());
            // SAFETY: freed once.
            unsafe { free(value.start) };
        }
        // SAFETY: nothing is there.
        unsafe { free(ptr::null_mut()) };
    }
}
