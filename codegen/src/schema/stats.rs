//! Counts.

use super::types::{Field, Header, Slot, StructKind};

/// What a header, or several, declare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Functions that a table offers.
    pub functions: usize,
    /// Structs with a definition.
    pub structs: usize,
    /// Their fields; the members of an anonymous union count, the union itself does not.
    pub fields: usize,
    /// Structs that are the arguments of a function or of a callback.
    pub args_structs: usize,
    /// Enumerations.
    pub enums: usize,
    /// Their values.
    pub enum_values: usize,
    /// Types without a definition.
    pub opaque_types: usize,
    /// Function-pointer typedefs that are no slot's type.
    pub fn_pointer_typedefs: usize,
    /// Values of `PJRT_Extension_Type`.
    pub extension_types: usize,
    /// Structs whose own size constant is not their `sizeof`.
    pub size_mismatches: usize,
    /// Slots that hold no function: deprecated, flags, data.
    pub other_slots: usize,
}

impl Stats {
    /// The counts of one header.
    pub fn of(header: &Header) -> Self {
        let fields = || header.structs.iter().flat_map(|s| &s.fields);
        let args = |kind| matches!(kind, StructKind::Args | StructKind::CallbackArgs);
        let types = header
            .enums
            .iter()
            .find(|e| e.name == "PJRT_Extension_Type");
        Self {
            functions: header
                .functions
                .iter()
                .filter(|f| !f.table.is_empty())
                .count(),
            structs: header.structs.len(),
            fields: fields().map(leaves).sum(),
            args_structs: header.structs.iter().filter(|s| args(s.kind)).count(),
            enums: header.enums.len(),
            enum_values: header.enums.iter().map(|e| e.values.len()).sum(),
            opaque_types: header.opaques.len(),
            fn_pointer_typedefs: header.callbacks.len(),
            extension_types: types.map(|e| e.values.len()).unwrap_or_default(),
            size_mismatches: header
                .structs
                .iter()
                .filter(|s| s.struct_size.is_some_and(|given| given != s.size))
                .count(),
            other_slots: fields()
                .filter(|f| f.slot.is_some_and(|slot| slot != Slot::Function))
                .count(),
        }
    }

    /// Name and count of each, in order; the names are those of `schema stats --json`.
    pub fn rows(&self) -> [(&'static str, usize); 11] {
        [
            ("functions", self.functions),
            ("structs", self.structs),
            ("fields", self.fields),
            ("args_structs", self.args_structs),
            ("enums", self.enums),
            ("enum_values", self.enum_values),
            ("opaque_types", self.opaque_types),
            ("fn_pointer_typedefs", self.fn_pointer_typedefs),
            ("extension_types", self.extension_types),
            ("size_mismatches", self.size_mismatches),
            ("other_slots", self.other_slots),
        ]
    }
}

fn leaves(field: &Field) -> usize {
    match field.members.as_slice() {
        [] => 1,
        members => members.iter().map(leaves).sum(),
    }
}
