//! Function types, and the slots of tables that hold them.

use clang_sys::*;
use pjrt_codegen::schema::{Field, Function, FunctionForm, Slot, Struct};

use super::index::{Cursor, Type};
use super::types::{Speller, function_of};

/// A function typedef or a typedef of a pointer to a function.
pub struct FunctionType<'u> {
    /// Name.
    pub name: String,
    /// Function or pointer.
    pub form: FunctionForm,
    /// The typedef.
    pub cursor: Cursor<'u>,
    /// The function type itself.
    pub ty: Type<'u>,
}

/// The function type that a typedef declares, if it does.
pub fn from_typedef(cursor: Cursor<'_>) -> Option<FunctionType<'_>> {
    let underlying = cursor.underlying();
    if matches!(underlying.kind(), CXType_Typedef) {
        return None;
    }
    let (ty, pointer) = function_of(underlying)?;
    Some(FunctionType {
        name: cursor.name(),
        form: match pointer {
            true => FunctionForm::Pointer,
            false => FunctionForm::Function,
        },
        cursor,
        ty,
    })
}

/// A function from its type; place in a table is added by [`place`].
pub fn describe(function: &FunctionType<'_>, speller: &mut Speller<'_>) -> Function {
    Function {
        name: function.name.clone(),
        form: function.form,
        signature: speller.signature(function.ty, &function.cursor.children()),
        args: args(function.ty, speller),
        line: function.cursor.spot().line,
        ..Function::default()
    }
}

/// The struct behind the only parameter, if that is a pointer to a struct with a definition.
fn args(function: Type<'_>, speller: &mut Speller<'_>) -> Option<String> {
    let params = function.params();
    let [only] = params.as_slice() else {
        return None;
    };
    let target = only.canonical().pointee();
    if target.kind() != CXType_Record {
        return None;
    }
    let definition = target.declaration().definition()?;
    let spelt = speller.spell(target);
    let name = spelt.strip_prefix("const ").unwrap_or(&spelt);
    // A function of a plain C signature may take a pointer to an object or to plain data.
    let fields = definition.children().into_iter();
    let first = fields
        .filter(|c| c.kind() == CXCursor_FieldDecl)
        .map(|c| c.name())
        .next();
    let sized = first.is_some_and(|first| first == "struct_size");
    (sized || name.ends_with("Args")).then(|| name.to_string())
}

/// What a table's field is, for a field whose type names no function.
fn plain_slot(field: &Field) -> Option<Slot> {
    let header = [
        "base",
        "struct_size",
        "instance_size",
        "instance_struct_size",
        "extension_start",
        "priv",
        "type",
        "next",
    ];
    if header.contains(&field.name.as_str()) {
        return None;
    }
    match field.ty.as_str() {
        "void*" => Some(Slot::Deprecated),
        ty if ty.ends_with('*') => Some(Slot::Data),
        "bool" | "int" | "int32_t" | "int64_t" | "uint32_t" | "uint64_t" | "size_t" => {
            Some(Slot::Flag)
        }
        // A struct by value belongs to the table's head.
        _ => None,
    }
}

/// Marks the slots of a table and makes a function of each that holds one.
///
/// `cursor` is the table's definition; its fields are `table.fields` in the same order.
pub fn place(
    table: &mut Struct,
    cursor: Cursor<'_>,
    speller: &mut Speller<'_>,
) -> Result<Vec<Function>, String> {
    let cursors: Vec<_> = cursor
        .children()
        .into_iter()
        .filter(|c| c.kind() == CXCursor_FieldDecl)
        .collect();
    if cursors.len() != table.fields.len() {
        return Err("a table with an anonymous union".to_string());
    }
    let mut functions = Vec::new();
    let name = table.name.clone();
    for (index, (field, cursor)) in table.fields.iter_mut().zip(cursors).enumerate() {
        let function = match &field.signature {
            Some(_) => Some(member(&name, field, cursor, speller)),
            None => typedef_of(cursor.ty())
                .and_then(from_typedef)
                .map(|function| describe(&function, speller)),
        };
        let Some(mut function) = function else {
            field.slot = plain_slot(field);
            continue;
        };
        field.slot = Some(Slot::Function);
        function.table = name.clone();
        function.slot = field.name.clone();
        function.index = u32::try_from(index).unwrap_or(u32::MAX);
        function.offset = field.offset;
        functions.push(function);
    }
    Ok(functions)
}

/// Marks the slots of a vtable, whose functions stay in its fields.
pub fn mark_vtable(table: &mut Struct) {
    for field in &mut table.fields {
        field.slot = match field.signature {
            Some(_) => Some(Slot::Function),
            None => plain_slot(field),
        };
    }
}

fn member(table: &str, field: &Field, cursor: Cursor<'_>, speller: &mut Speller<'_>) -> Function {
    let args = function_of(cursor.ty()).and_then(|(ty, _)| args(ty, speller));
    Function {
        name: format!("{table}_{}", field.name),
        form: FunctionForm::Member,
        signature: field.signature.clone().unwrap_or_default(),
        args,
        line: field.line,
        ..Function::default()
    }
}

/// `X*` or `X`, where `X` is a typedef: its declaration.
fn typedef_of(ty: Type<'_>) -> Option<Cursor<'_>> {
    let inner = match ty.kind() {
        CXType_Pointer => ty.pointee(),
        _ => ty,
    };
    let inner = match inner.kind() {
        CXType_Elaborated => inner.named(),
        _ => inner,
    };
    let declaration = (inner.kind() == CXType_Typedef).then(|| inner.declaration())?;
    let form = from_typedef(declaration)?.form;
    // A pointer to a pointer typedef is no slot that can be called.
    let direct = (ty.kind() == CXType_Pointer) == (form == FunctionForm::Function);
    direct.then_some(declaration)
}
