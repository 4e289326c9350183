//! Tests of inputs that the overlay names, and structs that Rust values lower to.

use super::{Api, Function, Place, guard};
use crate::proto;
use crate::{ElementType, Error, ErrorCode, NamedValue, Program, Result, Value};
use std::marker::PhantomData;

/// A value that a plugin is given as a C struct.
pub trait Lower {
    /// The C struct.
    type Raw;

    /// The struct, which borrows from the value.
    ///
    /// # Errors
    ///
    /// The plugin is too old to know a part of it.
    fn lower(&self, api: &Api) -> Result<Lowered<'_, Self::Raw>>;

    /// How many dimensions an array must have for this to fit; asked only where there is one.
    fn rank(&self) -> usize {
        0
    }
}

/// A value that a plugin is given as a serialised message.
pub trait Message {
    /// The message's bytes.
    ///
    /// # Errors
    ///
    /// Parts of it contradict each other.
    fn serialised(&self) -> Result<Vec<u8>>;

    /// The failure of a call with advice, if this and the program of the call do not agree.
    fn advise(&self, _program: &Program<'_>, error: Error) -> Error {
        error
    }
}

/// A value that a plugin gives as a serialised message.
pub trait Parsed: Sized {
    /// Reads the message.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes.
    fn parsed(bytes: &[u8]) -> std::result::Result<Self, &'static str>;
}

impl<M: proto::Message> Parsed for M {
    fn parsed(bytes: &[u8]) -> std::result::Result<Self, &'static str> {
        M::from_bytes(bytes).map_err(|error| error.problem)
    }
}

/// Reads a message that a plugin gave.
pub fn message<T: Parsed>(bytes: &[u8], place: Place) -> Result<T> {
    T::parsed(bytes).map_err(|problem| place.invalid(problem))
}

/// As [`message`]; no bytes are none.
pub fn message_or_none<T: Parsed>(bytes: &[u8], place: Place) -> Result<Option<T>> {
    match bytes {
        [] => Ok(None),
        bytes => message(bytes, place).map(Some),
    }
}

/// A C struct that borrows from a Rust value.
pub struct Lowered<'a, T> {
    raw: T,
    value: PhantomData<&'a ()>,
}

impl<T> Lowered<'_, T> {
    /// # Safety
    ///
    /// Everything that `raw` points to lives at least as long as the lifetime.
    pub unsafe fn new(raw: T) -> Self {
        Lowered {
            raw,
            value: PhantomData,
        }
    }

    /// The struct.
    pub fn as_ptr(&self) -> *const T {
        &raw const self.raw
    }
}

fn refused(function: &'static str, argument: &'static str, problem: String) -> Error {
    Error::InvalidArgument {
        function,
        argument,
        problem,
    }
}

/// Refuses an element type that no array has, or that the plugin is too old to know: real plugins
/// end the process.
pub fn check_element_type(
    api: &Api,
    given: ElementType,
    function: &'static str,
    argument: &'static str,
) -> Result<()> {
    let none = given == ElementType::INVALID || given == ElementType::TOKEN;
    if (none || given.name().is_none()) && !guard::off("enum_too_new") {
        let problem = format!("{given} is no type that the elements of an array can have");
        return Err(refused(function, argument, problem));
    }
    let function = Function {
        name: function,
        since: 0,
    };
    api.knows_value(
        &function,
        argument,
        i64::from(given.as_raw().0),
        ElementType::LATE,
    )
}

/// Refuses a code that says that nothing failed.
pub fn check_failure(
    _api: &Api,
    given: ErrorCode,
    function: &'static str,
    argument: &'static str,
) -> Result<()> {
    if given == ErrorCode::OK {
        let problem = "OK is no failure: give the code of what went wrong".to_owned();
        return Err(refused(function, argument, problem));
    }
    Ok(())
}

/// Refuses dimensions below zero, and so many elements that no memory could hold them.
pub fn check_sizes(
    _api: &Api,
    given: &[i64],
    function: &'static str,
    argument: &'static str,
) -> Result<()> {
    // The widest element takes 16 bytes.
    let bytes = crate::client::element_count(given).and_then(|count| count.checked_mul(16));
    if bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok()) {
        return Ok(());
    }
    let problem = format!("{given:?} are not dimensions of an array that memory can hold");
    Err(refused(function, argument, problem))
}

/// Options that plugins read as text without looking at their type.
const TEXTS: &[&str] = &["host_target_machine_options", "target_config", "topology"];

/// Refuses an option of another type than plugins take for granted: the CUDA plugin throws a C++
/// exception, which must not reach Rust.
pub fn check_option_types(
    _api: &Api,
    given: &[NamedValue<'_>],
    function: &'static str,
    argument: &'static str,
) -> Result<()> {
    let text = |option: &NamedValue<'_>| matches!(option.value, Value::String(_));
    let wrong = |option: &&NamedValue<'_>| TEXTS.contains(&option.name) && !text(option);
    match given.iter().find(wrong) {
        None => Ok(()),
        Some(option) => {
            let problem = format!("`{}` must be text, not {:?}", option.name, option.value);
            Err(refused(function, argument, problem))
        }
    }
}

/// Refuses both or none where one must be given.
pub fn check_one_of(
    one: bool,
    other: bool,
    function: &'static str,
    argument: &'static str,
) -> Result<()> {
    if one != other {
        return Ok(());
    }
    let given = if one { "both are" } else { "neither is" };
    let problem = format!("give either this or the other place for the array: {given} given");
    Err(refused(function, argument, problem))
}

/// Refuses a layout for another number of dimensions.
pub fn check_rank(
    layout: usize,
    rank: usize,
    function: &'static str,
    argument: &'static str,
) -> Result<()> {
    if layout == rank {
        return Ok(());
    }
    let problem = format!("it is for {layout} dimensions, and the array has {rank}");
    Err(refused(function, argument, problem))
}

/// Refuses a call that must come after something else.
pub fn check_after(answer: bool, function: &'static str, asked: &'static str) -> Result<()> {
    if answer {
        return Ok(());
    }
    let problem = format!("too early: `{asked}` still answers no");
    Err(refused(function, "self", problem))
}

/// Whether a call reached the plugin: what it said, or that it failed, came from there.
pub fn reached<T>(out: &Result<T>) -> bool {
    match out {
        Ok(_) => true,
        Err(error) => matches!(error, Error::Plugin(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_is_given_not_two_and_not_none() {
        assert!(check_one_of(true, false, "F", "a").is_ok());
        assert!(check_one_of(false, true, "F", "a").is_ok());
        let error = check_one_of(true, true, "F", "a").unwrap_err().to_string();
        assert!(error.contains("both are given"), "{error}");
        let error = check_one_of(false, false, "F", "a")
            .unwrap_err()
            .to_string();
        assert!(error.contains("neither is given"), "{error}");
    }

    #[test]
    fn what_comes_too_early_says_what_was_asked() {
        assert!(check_after(true, "F", "G").is_ok());
        let error = check_after(false, "F", "G").unwrap_err().to_string();
        assert!(error.contains("`G` still answers no"), "{error}");
    }

    #[test]
    fn a_layout_of_another_rank_is_refused() {
        assert!(check_rank(2, 2, "F", "a").is_ok());
        assert!(check_rank(1, 2, "F", "a").is_err());
    }
}
