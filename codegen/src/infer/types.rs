//! Entries of the extension itself, of its enums, plain structs, objects and callbacks.

use super::Given;
use super::entry::Entry;
use super::names::rust_type;
use super::trial::Trial;
use crate::bump::propose;
use crate::lower::value;
use crate::model::Model;
use crate::schema::{Callback, Field, Header, Slot, Struct, StructKind};

/// Names of functions that count a reference, each with the one that gives it up.
const COUNTING: [(&str, &str); 5] = [
    ("inc_ref", "dec_ref"),
    ("add_ref", "release"),
    ("retain", "release"),
    ("ref", "unref"),
    ("acquire", "release"),
];

/// The entries of everything but functions.
pub(super) fn entries(
    trial: &Trial,
    model: &Model,
    header: &Header,
    given: &Given<'_>,
) -> Vec<Entry> {
    let Some(extension) = &header.extension else {
        return Vec::new();
    };
    let said = |name: &str| given.comments.get(name);
    // Names that would hide what users of the crate import beside it.
    let mut taken: Vec<String> = model
        .overlay
        .handles
        .values()
        .map(|h| h.rust.clone())
        .collect();
    taken.push(extension.name.clone());
    let mut found = Vec::new();

    let mut entry = Entry::new("extension", &extension.name);
    entry.text("rust", &extension.name);
    let otherwise = format!(
        "The extension {}, number {}.",
        extension.name, extension.number
    );
    entry.doc(said(&extension.table), &otherwise);
    found.push(entry);

    for of in &header.enums {
        let mut entry = Entry::new("enum", &of.name);
        entry.text("rust", &rust_type(&of.name, &extension.name, &mut taken));
        entry.doc(said(&of.name), &format!("A value of `{}`.", of.name));
        entry.text(
            "why",
            "inferred: a number from the plugin; one that is not known is kept",
        );
        found.push(entry);
    }
    let plain = header
        .structs
        .iter()
        .filter(|s| propose::is_plain(model, s));
    let mut values: Vec<Entry> = Vec::new();
    for of in plain {
        let mut entry = Entry::new("value", &of.name);
        entry.text("rust", &rust_type(&of.name, &extension.name, &mut taken));
        entry.doc(said(&of.name), &format!("The fields of `{}`.", of.name));
        entry.text(
            "why",
            "inferred: all fields are numbers and values of enums, so a copy says all",
        );
        values.push(entry);
    }
    // Some have fields that no copy is made of.
    let text: String = found.iter().chain(&values).map(Entry::active).collect();
    let tried = trial.model(&text);
    values.retain(|entry| {
        let name = entry.title.trim_start_matches("value.");
        tried
            .as_ref()
            .is_ok_and(|model| value::value(model, name).is_ok())
    });
    found.extend(values);
    let opaques = header.opaques.iter().map(|o| o.name.as_str());
    let visible = header
        .structs
        .iter()
        .filter(|s| s.kind == StructKind::Handle)
        // One that counts its own references is no plain handle: what gives it out says whose it is.
        .filter(|s| propose::destructor(model, &s.name).is_some());
    for name in opaques.chain(visible.map(|s| s.name.as_str())) {
        if is_held(model, header, name) {
            let rust = rust_type(name, &extension.name, &mut taken);
            found.push(handle(model, name, &rust, said(name)));
        }
    }
    for of in header
        .structs
        .iter()
        .filter(|s| s.kind == StructKind::Vtable)
    {
        found.extend(vtable(header, of));
    }
    for of in &header.callbacks {
        found.extend(callback(of));
    }
    found
}

/// Whether an object is anything but what holds the bytes of an output.
fn is_held(model: &Model, header: &Header, name: &str) -> bool {
    let frees = |f: &Field| {
        let signature = f.signature.as_ref();
        signature
            .is_some_and(|s| matches!(s.params.as_slice(), [only] if only.ty == format!("{name}*")))
    };
    let args = || header.structs.iter().filter(|s| s.kind == StructKind::Args);
    let of_type = |s: &&Struct| {
        let mut fields = s.fields.iter();
        fields.any(|f| propose::handle_of(model, f) == Some(name))
    };
    args().filter(of_type).any(|s| !s.fields.iter().any(frees))
}

fn handle(model: &Model, name: &str, rust: &str, said: Option<&String>) -> Entry {
    let mut entry = Entry::new("handle", name);
    entry.text("rust", rust);
    let why = match propose::destructor(model, name) {
        Some(destroy) => {
            entry.line("share = \"unique\"");
            entry.text("destroy", destroy);
            format!(
                "inferred: `{destroy}` frees it, so it has one owner; nothing says what other threads may do, so they may do nothing"
            )
        }
        None => {
            entry.line("share = \"clone\"");
            "inferred: no function frees it, so it is never owned and copies of its address are as good; nothing says what other threads may do, so they may do nothing".to_owned()
        }
    };
    entry.line("threads = \"none\"");
    entry.doc(said, &format!("An object of the type `{name}`."));
    entry.text("why", &why);
    entry.open(
        "threads: what may other threads than the one that made it do with it?",
        "threads = \"send+sync\" if its functions lock, \"send\" if one thread at a time may use it",
        false,
    );
    entry
}

/// The entry of a table of positional functions; none where nothing carries it, or where it says
/// not how long it is.
fn vtable(header: &Header, table: &Struct) -> Option<Entry> {
    let carries = |s: &&Struct| {
        let first = s.fields.first();
        first.is_some_and(|f| f.ty.trim_start_matches("const ") == format!("{}*", table.name))
    };
    let object = header.structs.iter().find(carries)?;
    if !Model::is_versioned(table) {
        return None;
    }
    let functions = || {
        let slots = table.fields.iter();
        slots.filter(|f| f.slot == Some(Slot::Function) && f.signature.is_some())
    };
    let has = |name: &str| functions().any(|f| f.name == name);
    let counting = COUNTING.iter().find(|(more, less)| has(more) && has(less));
    let mut entry = Entry::new("vtable", &table.name);
    entry.text("object", &object.name);
    match counting {
        Some((more, less)) => {
            entry.text("clone", more);
            entry.text("drop", less);
            entry.text("why", &format!("inferred: `{more}` counts a reference and `{less}` gives it up, so an object lives while somebody has one; its functions take the object and use what they are given during the call"));
        }
        None => entry.hole(
            "why",
            "how long does an object with this table live, and which threads may call its functions?",
            "name the slots that count references with `clone` and `drop`, or say whose it is",
        ),
    }
    let outputs: Vec<String> = functions()
        .filter_map(|slot| {
            let signature = slot.signature.as_ref()?;
            let filled = signature.params.iter().skip(1).filter(|p| is_filled(header, &p.ty));
            let names: Vec<&str> = filled.map(|p| p.name.as_str()).filter(|n| !n.is_empty()).collect();
            (!names.is_empty()).then(|| {
                format!(
                    "{} = {{ outputs = \"{}\", why = \"inferred: pointers to what is not const, to numbers or to pointers\" }}",
                    slot.name,
                    names.join(", ")
                )
            })
        })
        .collect();
    if !outputs.is_empty() {
        entry.line(format!("[vtable.{}.slot]", table.name));
        outputs.into_iter().for_each(|line| entry.line(line));
    }
    Some(entry)
}

/// Whether a function fills what a parameter points to: a number, an enum or a pointer.
fn is_filled(header: &Header, ty: &str) -> bool {
    let Some(target) = ty.strip_suffix('*') else {
        return false;
    };
    let of_enum = header.enums.iter().any(|e| e.name == target);
    let number = crate::lower::ctype::primitive(target)
        .is_some_and(|_| target != "void" && target != "char");
    number || of_enum || (target.ends_with('*') && !target.ends_with("const*"))
}

/// The entry of a callback with user data.
fn callback(of: &Callback) -> Option<Entry> {
    let mut pointers = of.signature.params.iter().rev();
    let user_data = pointers.find(|p| p.ty == "void*" && !p.name.is_empty())?;
    let mut entry = Entry::new("callback", &of.name);
    entry.text("user_data", &user_data.name);
    entry.hole(
        "why",
        "which threads call it, for how long do its parameters live, when is it called last?",
        "it is called from threads of the plugin, one at a time; its parameters live through the call",
    );
    Some(entry)
}
