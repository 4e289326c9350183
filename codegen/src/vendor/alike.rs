//! Whether a function of two revisions of a header is called alike: its signature, and everything
//! that its arguments lead to.

use crate::schema::alike::{same_type, words};
use crate::schema::{Field, Function, Header, Signature, Struct, StructKind};
use std::collections::BTreeSet;

pub(super) fn same_field(a: &Field, b: &Field) -> bool {
    let signatures = match (&a.signature, &b.signature) {
        (Some(a), Some(b)) => same_signature(a, b),
        (None, None) => true,
        _ => false,
    };
    let members = a.members.len() == b.members.len()
        && a.members
            .iter()
            .zip(&b.members)
            .all(|(a, b)| same_field(a, b));
    let place = a.name == b.name && a.offset == b.offset && a.size == b.size;
    place && signatures && members && same_type(&a.ty, &b.ty)
}

pub(super) fn same_signature(a: &Signature, b: &Signature) -> bool {
    let params = a.params.len() == b.params.len()
        && a.params
            .iter()
            .zip(&b.params)
            .all(|(a, b)| same_type(&a.ty, &b.ty));
    params && same_type(&a.returns, &b.returns)
}

/// Whether everything that a function's signature leads to is alike in both headers: structs are
/// each the beginning of the other, those without a size of their own as long, and callbacks take
/// the same. Objects that callers hold by pointer are the plugin's own affair.
pub(super) fn reachable(then: &Header, now: &Header, function: &Function) -> bool {
    let mut open = Vec::new();
    of_signature(&function.signature, &mut open);
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let callback = |h: &'_ Header| h.callbacks.iter().position(|c| c.name == name);
        if let (Some(a), Some(b)) = (callback(then), callback(now))
            && let (Some(a), Some(b)) = (then.callbacks.get(a), now.callbacks.get(b))
        {
            if !same_signature(&a.signature, &b.signature) {
                return false;
            }
            of_signature(&b.signature, &mut open);
        }
        let structure = |h: &'_ Header| h.structs.iter().position(|s| s.name == name);
        if let (Some(a), Some(b)) = (structure(then), structure(now))
            && let (Some(a), Some(b)) = (then.structs.get(a), now.structs.get(b))
        {
            if opened(b) && !same_beginning(a, b, function) {
                return false;
            }
            if opened(b) {
                of_fields(&b.fields, &mut open);
            }
        }
    }
    true
}

/// Whether callers read or fill a struct.
fn opened(item: &Struct) -> bool {
    !matches!(
        item.kind,
        StructKind::Handle | StructKind::Api | StructKind::ExtensionTable
    )
}

fn same_beginning(a: &Struct, b: &Struct, function: &Function) -> bool {
    let mut pairs = a.fields.iter().zip(&b.fields);
    let versioned = |s: &Struct| s.fields.first().is_some_and(|f| f.name == "struct_size");
    // What is known of the arguments themselves is asked field by field.
    let grows = function.args.as_deref() == Some(b.name.as_str()) || versioned(b);
    pairs.all(|(a, b)| same_field(a, b)) && (a.size == b.size || grows)
}

fn of_signature(signature: &Signature, names: &mut Vec<String>) {
    let types = signature.params.iter().map(|p| &p.ty);
    for ty in types.chain([&signature.returns]) {
        names.extend(words(ty).map(str::to_owned));
    }
}

fn of_fields(fields: &[Field], names: &mut Vec<String>) {
    for field in fields {
        match &field.signature {
            Some(signature) => of_signature(signature, names),
            None => names.extend(words(&field.ty).map(str::to_owned)),
        }
        of_fields(&field.members, names);
    }
}
