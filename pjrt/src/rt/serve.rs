//! What a plugin's thunks stand on: a caller's arguments become a whole struct of ours, outputs go
//! back, and nothing unwinds into C.

use crate::server::Failure;
use crate::sys;
use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// A function of a plugin that takes a struct of arguments.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// Its C name.
    pub name: &'static str,
    /// C name of its struct of arguments.
    pub args: &'static str,
    /// How many bytes the struct had in the first revision of its header; 0 where it does not begin
    /// with its size.
    pub least: usize,
    /// The struct's fields.
    pub fields: &'static [ServedField],
}

/// A field of arguments.
#[derive(Clone, Copy, Debug)]
pub struct ServedField {
    /// Its C name.
    pub name: &'static str,
    /// Where it begins.
    pub offset: usize,
    /// How many bytes it has.
    pub size: usize,
    /// Who fills it.
    pub way: Way,
    /// What it must be.
    pub must: Must,
}

/// Who fills a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The caller.
    In,
    /// The plugin.
    Out,
    /// Both.
    InOut,
}

/// What an input must be.
#[derive(Clone, Copy, Debug)]
pub enum Must {
    /// Anything.
    Be,
    /// A truth value: whatever is not zero is read as true.
    BeTruth,
    /// Not null, unless one of these integers (offset and size), which say how many items there
    /// are, is zero.
    Point(&'static [(usize, usize)]),
}

impl ServedField {
    /// A field: name, where it begins, how many bytes it has, who fills it, what it must be.
    pub const fn new(name: &'static str, offset: usize, size: usize, way: Way, must: Must) -> Self {
        ServedField {
            name,
            offset,
            size,
            way,
            must,
        }
    }

    /// Whether a caller with so many bytes has it.
    fn within(&self, bytes: usize) -> bool {
        self.offset
            .checked_add(self.size)
            .is_some_and(|end| end <= bytes)
    }
}

/// Answers a call: the caller's struct is checked, the part that the caller has is copied into a
/// whole zeroed one, `body` answers over that, and what it filled goes back as far as the caller's
/// struct reaches. After a failure nothing of the caller's is written. A panic is a failure.
///
/// # Errors
///
/// What the caller did wrong, what `body` answers, and its panic.
///
/// # Safety
///
/// - `A` is a struct of the C interface, of which zero bytes are a value; `served` describes it.
/// - `args` is null, or points to such a struct of the caller's: as many bytes as its first word
///   says, or all of them where it has no size. Nobody else uses it during the call.
pub unsafe fn serve<A: Copy, R>(
    served: &Served,
    args: *mut A,
    body: impl FnOnce(&mut A) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let Some(caller) = NonNull::new(args.cast::<u8>()) else {
        let message = format!("{}: expected {}, got null", served.name, served.args);
        return Err(Failure::invalid_argument(message));
    };
    let given = match served.least {
        0 => size_of::<A>(),
        least => {
            // SAFETY: the struct begins with its size, by the caller's promise.
            let given = unsafe { caller.cast::<usize>().read_unaligned() };
            if given < least {
                return Err(served.too_small(given));
            }
            given.min(size_of::<A>())
        }
    };
    let mut whole = MaybeUninit::<A>::zeroed();
    let ours = whole.as_mut_ptr().cast::<u8>();
    let known = || served.fields.iter().filter(|field| field.within(given));
    for field in known().filter(|field| field.way != Way::Out) {
        // SAFETY: the field is within the caller's struct and within ours, which is another one.
        unsafe {
            let (from, to) = (caller.as_ptr().add(field.offset), ours.add(field.offset));
            match field.must {
                Must::BeTruth => to.write(u8::from(from.read() != 0)),
                _ => to.copy_from_nonoverlapping(from, field.size),
            }
        }
    }
    // SAFETY: all bytes are zero, or those of the caller's fields: any bits are values of numbers
    // and pointers, and truth values were made sound.
    let whole = unsafe { whole.assume_init_mut() };
    for field in known().filter(|field| field.way != Way::Out) {
        let missing = match field.must {
            Must::Point(lengths) => {
                word(whole, field.offset, field.size) == 0
                    && !lengths
                        .iter()
                        .any(|(at, size)| word(whole, *at, *size) == 0)
            }
            _ => false,
        };
        if missing {
            let (name, field) = (served.name, field.name);
            let message = format!("{name}: `{field}`: expected a pointer, got null");
            return Err(Failure::invalid_argument(message));
        }
    }
    let value = caught(served.name, || body(whole))?;
    let ours = (&raw const *whole).cast::<u8>();
    for field in known().filter(|field| field.way != Way::In) {
        // SAFETY: as above; the caller gave the struct to be filled.
        unsafe {
            let (from, to) = (ours.add(field.offset), caller.as_ptr().add(field.offset));
            to.copy_from_nonoverlapping(from, field.size);
        }
    }
    Ok(value)
}

/// The integer in a struct's bytes; 1 for what is no integer of the struct.
fn word<A: Copy>(of: &A, offset: usize, size: usize) -> u64 {
    let mut bytes = [0; 8];
    let inside = offset
        .checked_add(size)
        .is_some_and(|end| end <= size_of::<A>());
    let Some(room) = bytes.get_mut(..size).filter(|_| inside) else {
        return 1;
    };
    // SAFETY: the range is inside the struct, where a field was written; the room is as long.
    unsafe {
        let from = (&raw const *of).cast::<u8>().add(offset);
        room.as_mut_ptr().copy_from_nonoverlapping(from, size);
    }
    // Which byte comes first does not matter to the question whether it is zero.
    u64::from_ne_bytes(bytes)
}

impl Served {
    #[cold]
    fn too_small(&self, given: usize) -> Failure {
        Failure::invalid_argument(format!(
            "{}: size of {}: expected {} or more, got {given}; check the versions of plugin and caller",
            self.name, self.args, self.least
        ))
    }
}

/// Runs a function that answers a call, without unwinding.
///
/// # Errors
///
/// What the function answers; its panic is an `INTERNAL` failure with the panic's text.
pub fn caught<R>(
    name: &'static str,
    body: impl FnOnce() -> Result<R, Failure>,
) -> Result<R, Failure> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = said(panic);
        Err(Failure::internal(format!("{name} panicked: {text}")))
    })
}

fn said(panic: Box<dyn Any + Send>) -> String {
    let other = match panic.downcast::<String>() {
        Ok(text) => return *text,
        Err(other) => other,
    };
    match other.downcast::<&'static str>() {
        Ok(text) => (*text).to_owned(),
        Err(other) => {
            // Dropping what is no text could panic again.
            std::mem::forget(other);
            "(what was thrown is no text)".to_owned()
        }
    }
}

/// What a function that can report errors gives back: null, or the plugin's own error.
pub fn answer(
    outcome: Result<(), Failure>,
    error: impl FnOnce(Failure) -> *mut sys::PJRT_Error,
) -> *mut sys::PJRT_Error {
    match outcome {
        Ok(()) => std::ptr::null_mut(),
        Err(failure) => error(failure.sound()),
    }
}

/// What a function without errors gives back: zero for a failure.
///
/// # Safety
///
/// Zero bytes are a value of the type.
pub unsafe fn or_zero<R: Copy>(outcome: Result<R, Failure>) -> R {
    match outcome {
        Ok(value) => value,
        // SAFETY: the caller's promise.
        Err(_) => unsafe { std::mem::zeroed() },
    }
}

#[cfg(test)]
mod tests;
