//! What the history says, as generated code carries it: rows of a table's slots, sizes of argument
//! structs, and tests of inputs that a plugin may be too old to know.

use crate::lower::ctype::{CType, primitive};
use crate::model::Model;
use crate::model::gates::{Row, Verdict, end};
use crate::schema::{Field, Struct};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

/// What the history knows of a table.
pub fn history(model: &Model, table: &str) -> TokenStream {
    let by_size = model.counts_by_size(table);
    let largest = model.versions.largest.get(table).copied();
    let newest = match model.structure(table).filter(|_| by_size) {
        Some(table) => largest.unwrap_or(u32::try_from(table.size).unwrap_or(u32::MAX)),
        None => model.facts.minor,
    };
    let whole = Literal::u64_unsuffixed(model.structure(table).map_or(0, end));
    let newest = Literal::u32_unsuffixed(newest);
    let slots = model.structure(table).into_iter().flat_map(|t| &t.fields);
    let gates = slots.filter(|f| f.slot.is_some()).filter_map(|field| {
        let named = format!("{table}.{}", field.name);
        let mut names = vec![named.as_str()];
        names.extend(model.held_by(table, &field.name).map(|f| f.name.as_str()));
        let item = names
            .into_iter()
            .rfind(|n| !model.versions.gates.of(n).is_empty())?;
        let rows = self::rows(model.versions.gates.of(item));
        let offset = Literal::u64_unsuffixed(field.offset);
        Some(quote!(::pjrt::__rt::Gated { name: #item, offset: #offset, rows: #rows }))
    });
    let ends = rows(model.versions.gates.of(table));
    quote! {
        ::pjrt::__rt::History { newest: #newest, by_size: #by_size, whole: #whole, gates: &[#(#gates),*], ends: #ends }
    }
}

/// What an error tells of the first version of an item: the minor version of the API, 0 for a
/// vendor's item, whose revisions have no number.
pub fn told(model: &Model, item: &str, since: u32) -> Literal {
    Literal::u32_unsuffixed(if model.counts_by_size(item) { 0 } else { since })
}

/// Rows as the run time reads them.
pub fn rows(rows: &[Row]) -> TokenStream {
    let rows = rows.iter().map(|row| {
        let numbers = row.numbers().map(Literal::u32_unsuffixed);
        quote!([#(#numbers),*])
    });
    quote!(&[#(#rows),*])
}

/// Whether plugins are given more than one size of a struct, or know more than one.
pub fn is_sized(model: &Model, structure: &Struct) -> bool {
    let size = structure.struct_size.unwrap_or(structure.size);
    let rows = model.versions.gates.of(model.item_of(&structure.name));
    rows.iter().any(|row| match row.verdict {
        Verdict::Known { sent, known } => {
            u64::from(sent) != size || u64::from(known) != end(structure)
        }
        Verdict::Absent | Verdict::Incompatible => false,
    })
}

/// By how many bytes the largest size that is given exceeds the struct.
pub fn beyond(model: &Model, structure: &Struct) -> u64 {
    let rows = model.versions.gates.of(model.item_of(&structure.name));
    let sent = rows.iter().map(|row| match row.verdict {
        Verdict::Known { sent, .. } => u64::from(sent),
        Verdict::Absent | Verdict::Incompatible => 0,
    });
    sent.max().unwrap_or(0).saturating_sub(structure.size)
}

/// The test whether a plugin knows a field, given the `gate` of its struct.
pub fn knows(field: &Field) -> TokenStream {
    let end = Literal::u64_unsuffixed(field.offset.saturating_add(field.size));
    quote!(gate.known >= #end)
}

/// The test whether a plugin does not know a field.
pub fn ignores(field: &Field) -> TokenStream {
    let end = Literal::u64_unsuffixed(field.offset.saturating_add(field.size));
    quote!(gate.known < #end)
}

/// The test whether a value of a field's type says something: it is not zero, and not null.
pub fn is_set(model: &Model, field: &Field, value: &Ident) -> TokenStream {
    match CType::of_field(field) {
        Some(CType::Pointer { to, .. }) => {
            let function = matches!(*to, CType::Function(_));
            let named = to
                .name()
                .is_some_and(|n| model.function(n).is_some() || model.callback(n).is_some());
            if function || named {
                quote!(#value.is_some())
            } else {
                quote!(!#value.is_null())
            }
        }
        Some(CType::Function(_)) => quote!(#value.is_some()),
        Some(CType::Named(name)) => match primitive(&name) {
            Some("bool") => quote!(#value),
            Some("f32" | "f64") => quote!(#value != 0.0),
            Some(_) => quote!(#value != 0),
            None if model.enumeration(&name).is_some() => quote!(#value.0 != 0),
            None if model.callback(&name).is_some() => quote!(#value.is_some()),
            None => quote!(true),
        },
        _ => quote!(true),
    }
}

/// Values of an enumeration that came after the oldest supported version: number and version.
pub fn late_values(model: &Model, of: &str) -> Option<TokenStream> {
    let late = model.versions.gates.values.get(of)?;
    let pairs = late.iter().map(|(number, since)| {
        let (number, since) = (
            Literal::i64_unsuffixed(*number),
            Literal::u32_unsuffixed(*since),
        );
        quote!((#number, #since))
    });
    Some(quote!(&[#(#pairs),*]))
}

/// The refusal of a value that the plugin is too old to know, of an input of an enumeration's type.
pub fn check_value(model: &Model, field: &Field, given: &TokenStream) -> Option<TokenStream> {
    let CType::Named(name) = CType::of_field(field)? else {
        return None;
    };
    model.enumeration(&name)?;
    let late = late_values(model, &name)?;
    let name = &field.name;
    Some(quote!(api.knows_value(&FUNCTION, #name, i64::from(#given.0), #late)?;))
}

/// The first version that has an item, 0 where all have it.
pub fn since(rows: &[Row]) -> u32 {
    let known = |row: &&Row| matches!(row.verdict, Verdict::Known { .. });
    let first = rows.iter().find(known).map_or(0, |row| row.minor);
    if rows.first().is_some_and(|row| row.minor == first) {
        0
    } else {
        first
    }
}
