//! The part that each struct plays, by rules.

use std::collections::HashSet;

use pjrt_codegen::schema::{Function, Struct, StructKind};

/// Whether a struct is an extension's table: it begins with `PJRT_Extension_Base`, or, before
/// that was embedded, with its three fields.
pub fn is_extension_table(s: &Struct) -> bool {
    let field = |at: usize| s.fields.get(at).map(|f| (f.name.as_str(), f.ty.as_str()));
    if field(0).is_some_and(|(_, ty)| ty == "PJRT_Extension_Base") {
        return true;
    }
    let types = ["PJRT_Extension_Type", "PJRT_Structure_Type"];
    let is_type = |(name, ty)| name == "type" && types.contains(&ty);
    // The base itself ends with `next`, which follows `type`.
    (0..2).any(|at| field(at).is_some_and(is_type) && s.fields.len() > at + 2)
}

/// Whether a struct is the table of a whole interface.
pub fn is_api(s: &Struct) -> bool {
    s.name.ends_with("_Api") && s.fields.first().is_some_and(|f| f.name == "struct_size")
}

/// Names of the structs that are vtables: what a field called `vtable` points to.
pub fn vtables(structs: &[Struct]) -> HashSet<String> {
    structs
        .iter()
        .flat_map(|s| &s.fields)
        .filter(|f| f.name == "vtable")
        .filter_map(|f| f.ty.strip_prefix("const ")?.strip_suffix('*'))
        .map(str::to_string)
        .collect()
}

/// Gives every struct its kind; those of tables are settled before.
pub fn assign(structs: &mut [Struct], functions: &[Function]) {
    let args: HashSet<&str> = functions
        .iter()
        .filter(|f| !f.table.is_empty())
        .filter_map(|f| f.args.as_deref())
        .collect();
    let embedded: HashSet<String> = structs
        .iter()
        .flat_map(|s| &s.fields)
        .map(|f| f.ty.clone())
        .collect();
    for s in structs {
        if s.kind != StructKind::Value {
            continue;
        }
        let handle = matches!(s.fields.as_slice(), [only] if only.name == "vtable");
        s.kind = if args.contains(s.name.as_str()) {
            StructKind::Args
        } else if handle {
            StructKind::Handle
        } else if s.name.ends_with("Args") && !embedded.contains(&s.name) {
            StructKind::CallbackArgs
        } else {
            StructKind::Value
        };
    }
}
