//! Enumerations, and the anonymous ones that hold the headers' own sizes of structs.

use clang_sys::*;
use pjrt_codegen::schema::{Enum, EnumValue};

use super::index::Cursor;

const SIZE: &str = "_STRUCT_SIZE";

/// Reads an enumeration's definition.
pub fn read(cursor: Cursor<'_>, name: &str) -> Result<Enum, String> {
    let integer = cursor.enum_type().canonical();
    let size = integer.size().ok_or("its size is not known")?;
    let signed = matches!(
        integer.kind(),
        CXType_SChar | CXType_Char_S | CXType_Short | CXType_Int | CXType_Long | CXType_LongLong
    );
    let repr = match (size, signed) {
        (1, false) => "uint8_t",
        (1, true) => "int8_t",
        (2, false) => "uint16_t",
        (2, true) => "int16_t",
        (4, false) => "uint32_t",
        (4, true) => "int32_t",
        (8, false) => "uint64_t",
        (8, true) => "int64_t",
        _ => {
            return Err(format!(
                "its integer type `{}` is not known",
                integer.name()
            ));
        }
    };
    Ok(Enum {
        name: name.to_string(),
        repr: repr.to_string(),
        size: u32::try_from(size).unwrap_or_default(),
        line: cursor.start().line,
        values: values(cursor)
            .into_iter()
            .map(|value| EnumValue {
                name: value.name(),
                value: value.enum_value(),
                line: value.spot().line,
            })
            .collect(),
    })
}

/// The constants of an enumeration without a name.
pub fn constants(cursor: Cursor<'_>) -> Vec<(String, i64)> {
    let values = values(cursor).into_iter();
    values.map(|v| (v.name(), v.enum_value())).collect()
}

/// The struct whose size a constant says, if that is what its name means: an enumerator, or in old
/// headers `const size_t X_STRUCT_SIZE = ..`.
pub fn struct_size(name: &str, value: i64) -> Option<(String, u64)> {
    let of = name.strip_suffix(SIZE)?;
    Some((of.to_string(), u64::try_from(value).ok()?))
}

fn values(cursor: Cursor<'_>) -> Vec<Cursor<'_>> {
    cursor
        .children()
        .into_iter()
        .filter(|c| c.kind() == CXCursor_EnumConstantDecl)
        .collect()
}
