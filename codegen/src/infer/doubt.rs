//! What types and names leave open, and what would be unsound if it were guessed.

use crate::bump::propose;
use crate::lower::call;
use crate::lower::ctype::CType;
use crate::model::Model;
use crate::schema::{Direction, Field, Function, Struct};
use heck::ToSnakeCase;

/// Words in the names of functions whose handle is new.
const CREATES: [&str; 15] = [
    "alloc",
    "allocate",
    "build",
    "clone",
    "compile",
    "copy",
    "create",
    "deserialize",
    "from",
    "load",
    "make",
    "new",
    "open",
    "register",
    "start",
];
/// Words in the names of functions that must give something.
const GIVES: [&str; 10] = [
    "count", "create", "find", "get", "list", "lookup", "make", "new", "query", "read",
];
/// What an asynchronous function gives, which is always the caller's.
const EVENT: &str = "PJRT_Event";

/// What is left open of a function.
pub(super) enum Doubt {
    /// Only code that is written by hand can do it right.
    ByHand(String),
    /// A person must say: what, and what may be right.
    Hole(String, String),
}

/// Whether a field comes out, though the header does not mark it: its name says so.
pub(super) fn is_out_by_name(field: &Field) -> bool {
    field.dir.is_none() && (field.name.starts_with("out_") || field.name.ends_with("_out"))
}

/// Whether a handle that a function gives is new, as far as names tell.
pub(super) fn is_new(function: &Function, handle: &str) -> bool {
    handle == EVENT || says(function, &CREATES)
}

/// Everything that is open about a function as a whole.
pub(super) fn of(model: &Model, function: &Function, structure: &Struct) -> Vec<Doubt> {
    let mut found = Vec::new();
    let comes_out =
        |f: &&Field| model.direction(&function.name, f) != Direction::In || is_out_by_name(f);
    let payload = || call::payload(structure);
    if propose::frees(&function.name) && propose::destroys(model, function).is_none() {
        found.push(Doubt::ByHand(
            "its name says that it frees something, and that may be used no more".to_owned(),
        ));
    }
    if says(function, &GIVES) && !payload().any(|f| comes_out(&f)) {
        found.push(Doubt::Hole(
            "which fields does it fill? The header marks none with `// out`".to_owned(),
            "FIELD = { dir = \"out\" }".to_owned(),
        ));
    }
    let late = payload().any(|f| comes_out(&f) && propose::handle_of(model, f) == Some(EVENT));
    for field in payload().filter(|f| !comes_out(f)) {
        let memory = CType::of_field(field).is_some_and(|ty| ty.pointee().is_some());
        if late && memory && propose::handle_of(model, field).is_none() {
            found.push(Doubt::ByHand(format!(
                "`{}` may be used until the event, after the call",
                field.name
            )));
        }
        if ["intptr_t", "uintptr_t"].contains(&field.ty.as_str()) {
            found.push(Doubt::Hole(
                format!("is `{}` an address that the plugin follows?", field.name),
                "then a caller must promise that it is right: unsafe = \"...\"".to_owned(),
            ));
        }
    }
    for field in payload().filter(comes_out) {
        let constant = field.ty.starts_with("const ") && !field.ty.ends_with("**");
        let handle = propose::handle_of(model, field);
        let alone = field.ty.matches('*').count() == 1;
        if let Some(handle) = handle.filter(|_| constant && alone) {
            found.push(Doubt::ByHand(format!(
                "`{}` is a `{handle}` that may not be changed",
                field.name
            )));
        }
    }
    found
}

fn says(function: &Function, words: &[&str]) -> bool {
    let snake = function.name.to_snake_case();
    snake.split('_').any(|word| words.contains(&word))
}
