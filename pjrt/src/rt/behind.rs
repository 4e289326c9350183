//! Tables that an extension points at: functions with a size and an error type of their own.

use super::gate::History;
use super::traced::{Traced, end, failed};
use super::{Api, Function, Place, Sorted, Table, TableType};
use crate::error::PluginError;
use crate::{Error, ErrorCode, Result};
use std::any::{Any, TypeId};
use std::ffi::c_char;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// The C struct of a table that an extension points at, and how its errors are read.
///
/// # Safety
///
/// The type begins with its size and holds nothing but null-able functions and pointers behind it.
/// Where `at` gives an address, a table of this type is there, as long as it says, for as long as
/// the process lives; its functions may be called from any thread.
pub unsafe trait TableBehind: Sized + 'static {
    /// The table of the extension.
    type Extension: TableType;
    /// The type of its errors.
    type Error: 'static;
    /// What errors call it.
    const NAME: &'static str;
    /// The slot that points at it.
    const SLOT: &'static str;
    /// What the history knows of it; offsets are those of the struct's words.
    const HISTORY: History;
    /// A table without functions.
    fn zeroed() -> Self;
    /// Where the plugin's table is; null if there is none.
    fn at(extension: &Self::Extension) -> *const Self;
    /// An error's message, which lives as long as the error.
    ///
    /// # Safety
    ///
    /// The error is live and this table's.
    unsafe fn message(
        table: &Table<Self>,
        error: *mut Self::Error,
    ) -> Result<(*const c_char, usize)>;
    /// An error's code, and the error that came of asking.
    ///
    /// # Safety
    ///
    /// As [`TableBehind::message`].
    unsafe fn code(table: &Table<Self>, error: *mut Self::Error)
    -> Result<(i64, *mut Self::Error)>;
    /// Frees an error. Without the function it leaks.
    ///
    /// # Safety
    ///
    /// As [`TableBehind::message`], and nobody uses the error after this.
    unsafe fn free(table: &Table<Self>, error: *mut Self::Error);
}

/// The tables that were asked for, by type.
#[derive(Default)]
pub(crate) struct TablesBehind(Mutex<Sorted<TypeId, &'static (dyn Any + Send + Sync)>>);

impl Api {
    /// A table that an extension points at, copied at the first call. Where the pointer is null,
    /// the table has no function.
    pub fn behind<T: TableBehind>(&'static self) -> Result<&'static Table<T>> {
        let extension = self.extension::<T::Extension>()?;
        let kept = &self.chain().behind().0;
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = kept.get(&TypeId::of::<T>())
            && let Some(table) = (*table as &'static dyn Any).downcast_ref()
        {
            return Ok(table);
        }
        let at = NonNull::new(T::at(extension.table()).cast_mut());
        let place = Place {
            function: T::NAME,
            field: T::SLOT,
        };
        if at.is_some_and(|at| !at.cast::<usize>().is_aligned()) {
            return Err(place.invalid("a pointer that is not aligned for a table"));
        }
        let table: &'static Table<T> = Box::leak(Box::new(match at {
            // SAFETY: the address is aligned, and what the trait promises of it: a table that is as
            // long as it says and lives as long as the process.
            Some(at) => unsafe { Table::copy_of(self, at.cast(), T::zeroed(), T::HISTORY) },
            None => Table::empty(self, T::zeroed(), T::HISTORY),
        }));
        kept.insert(TypeId::of::<T>(), table);
        Ok(table)
    }
}

/// As [`super::check`], for a table with an error type of its own.
pub fn check_own<T: TableBehind>(
    table: &Table<T>,
    error: *mut T::Error,
    function: &Function,
    traced: Traced,
) -> Result<()> {
    let api = table.api();
    if error.is_null() {
        end(api, function, traced, true);
        return Ok(());
    }
    let convert = || own_error(table, error, function.name);
    Err(failed(api, function, traced, convert, Error::code))
}

/// Converts an error, which must not be null, and frees it.
#[cold]
fn own_error<T: TableBehind>(
    table: &Table<T>,
    error: *mut T::Error,
    function: &'static str,
) -> Error {
    let place = Place {
        function: T::NAME,
        field: "message",
    };
    // SAFETY: the error is live and came from a function of this table.
    let message = unsafe { T::message(table, error) }.and_then(|(text, size)| {
        // SAFETY: the message lives as long as the error, which is freed below.
        let bytes: &[u8] = unsafe { super::slice(text.cast(), size, place) }?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    });
    let message = message.unwrap_or_else(|_| "(the plugin does not tell the message)".to_owned());
    let code = code(table, error);
    // SAFETY: nobody has the error but this function, which is done with it.
    unsafe { T::free(table, error) };
    let api = table.api();
    Error::from(PluginError {
        function,
        code,
        message,
        payloads: Vec::new(),
        plugin: api.name().to_owned(),
        plugin_version: api.version(),
        hint: None,
        device_memory: Vec::new(),
    })
}

fn code<T: TableBehind>(table: &Table<T>, error: *mut T::Error) -> ErrorCode {
    // SAFETY: as for the message.
    let Ok((code, second)) = (unsafe { T::code(table, error) }) else {
        return ErrorCode::UNKNOWN;
    };
    if !second.is_null() {
        // SAFETY: an error about an error is ours and is not asked what it says.
        unsafe { T::free(table, second) };
        return ErrorCode::UNKNOWN;
    }
    match i32::try_from(code).map(ErrorCode::from) {
        // There is an error, so it cannot be a success.
        Ok(ErrorCode::OK) | Err(_) => ErrorCode::UNKNOWN,
        Ok(code) => code,
    }
}
