//! Sorts bindgen's items into the modules of the headers that declare them.

use std::collections::{BTreeMap, BTreeSet};

use pjrt_codegen::emit::sys_names;
use pjrt_codegen::schema::{FunctionForm, Header};
use syn::{Expr, Item, Lit, Stmt, parse_quote};

use super::error::Error;

/// Types that the rendering itself declares and that Rust has under other names.
const PRELUDE: &[&str] = &[
    "int16_t",
    "int32_t",
    "int64_t",
    "int8_t",
    "intptr_t",
    "size_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "uint8_t",
    "uintptr_t",
];

/// What bindgen puts into the name of the type of an anonymous union.
const UNION: &str = "__bindgen_ty_";

/// The declarations of one module.
#[derive(Default)]
pub(super) struct Module {
    /// What it declares.
    pub(super) items: Vec<Item>,
    /// What it shares with a module that comes before it: paths below the crate.
    pub(super) shared: Vec<String>,
}

/// Sorts items by module, and makes sure that facts and bindings have the same names.
pub(super) fn split<'a>(
    headers: &[&'a Header],
    items: Vec<Item>,
) -> Result<BTreeMap<&'a str, Module>, Error> {
    let owners = owners(headers);
    let mut missing: BTreeSet<&String> = owners.keys().collect();
    let mut unexpected = Vec::new();
    let mut out = shared(headers, &owners);
    for mut item in items {
        let Some(name) = name(&item) else {
            unexpected.push("an item without a name".to_owned());
            continue;
        };
        if PRELUDE.contains(&name.as_str()) {
            continue;
        }
        let declared = name
            .split_once(UNION)
            .map_or(name.as_str(), |(owner, _)| owner);
        let Some((key, module)) = owners.get_key_value(declared) else {
            unexpected.push(name);
            continue;
        };
        missing.remove(key);
        only_on_64_bits(&mut item);
        out.entry(module).or_default().items.push(item);
    }
    if !missing.is_empty() {
        return Err(Error::Missing(missing.into_iter().cloned().collect()));
    }
    if !unexpected.is_empty() {
        return Err(Error::Unexpected(unexpected));
    }
    Ok(out)
}

/// Every name that the bindings must have, with the module that it belongs to: where headers
/// share a name, the one that defines it, else the first.
fn owners<'a>(headers: &[&'a Header]) -> BTreeMap<String, &'a str> {
    let mut out = BTreeMap::new();
    for header in headers {
        for name in definitions(header) {
            out.entry(name).or_insert(header.module.as_str());
        }
    }
    for header in headers {
        for item in &header.opaques {
            out.entry(item.name.clone())
                .or_insert(header.module.as_str());
        }
    }
    out
}

/// Types that a header declares and leaves to another to define or to declare first.
fn shared<'a>(
    headers: &[&'a Header],
    owners: &BTreeMap<String, &'a str>,
) -> BTreeMap<&'a str, Module> {
    let mut out: BTreeMap<&'a str, Module> = BTreeMap::new();
    for header in headers {
        for item in &header.opaques {
            if let Some(&owner) = owners.get(&item.name)
                && owner != header.module
                && !header.uses.iter().any(|used| used == owner)
            {
                let path = format!("{owner}::{}", item.name);
                out.entry(&header.module).or_default().shared.push(path);
            }
        }
    }
    out
}

/// Names that a header defines, as the bindings spell them.
fn definitions(header: &Header) -> Vec<String> {
    let mut out = Vec::new();
    let mut add = |name: &str| out.push(sys_names::ty(name).into_owned());
    for item in header
        .macros
        .iter()
        .filter(|item| c_number_or_text(&item.value))
    {
        add(&item.name);
    }
    for item in &header.aliases {
        add(&item.name);
    }
    for item in &header.enums {
        add(&item.name);
        for value in &item.values {
            add(&value.name);
        }
    }
    for item in &header.structs {
        add(&item.name);
        add(sys_names::structure(item));
        if let Some(constant) = sys_names::struct_size(item) {
            add(&constant);
        }
    }
    for item in &header.callbacks {
        add(&item.name);
    }
    for item in &header.functions {
        if item.form != FunctionForm::Member {
            add(&item.name);
        }
    }
    out
}

/// Macros that C and Rust can say alike. Others, such as a C++ expression, are not for bindings.
fn c_number_or_text(value: &str) -> bool {
    value.starts_with(|c: char| c.is_ascii_digit() || c == '"' || c == '-' || c == '(')
}

/// Name of an item; that of the type which it is about for an assertion of its layout.
fn name(item: &Item) -> Option<String> {
    match item {
        Item::Const(item) if item.ident == "_" => asserted_type(&item.expr),
        Item::Const(item) => Some(item.ident.to_string()),
        Item::Struct(item) => Some(item.ident.to_string()),
        Item::Union(item) => Some(item.ident.to_string()),
        Item::Type(item) => Some(item.ident.to_string()),
        _ => None,
    }
}

/// Finds `X` in `{ ["Size of X"][..]; .. }`.
fn asserted_type(expr: &Expr) -> Option<String> {
    let Expr::Block(block) = expr else {
        return None;
    };
    let Some(Stmt::Expr(Expr::Index(index), _)) = block.block.stmts.first() else {
        return None;
    };
    let Expr::Array(array) = index.expr.as_ref() else {
        return None;
    };
    let Some(Expr::Lit(text)) = array.elems.first() else {
        return None;
    };
    let Lit::Str(text) = &text.lit else {
        return None;
    };
    text.value().strip_prefix("Size of ").map(str::to_owned)
}

/// The layout assertions hold where pointers have 64 bits, and are asked only there.
fn only_on_64_bits(item: &mut Item) {
    if let Item::Const(item) = item
        && item.ident == "_"
    {
        item.attrs
            .insert(0, parse_quote!(#[cfg(target_pointer_width = "64")]));
    }
}
