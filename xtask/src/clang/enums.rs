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

/// Struct names and sizes, if the enumeration holds nothing else.
pub fn struct_sizes(cursor: Cursor<'_>) -> Option<Vec<(String, u64)>> {
    values(cursor)
        .into_iter()
        .map(|value| {
            let name = value.name();
            let size = u64::try_from(value.enum_value()).ok()?;
            Some((name.strip_suffix(SIZE)?.to_string(), size))
        })
        .collect()
}

/// The same in the form of old headers: `const size_t X_STRUCT_SIZE = ..`.
pub fn constant_size(cursor: Cursor<'_>) -> Option<(String, u64)> {
    let name = cursor.name();
    let size = u64::try_from(cursor.integer()?).ok()?;
    Some((name.strip_suffix(SIZE)?.to_string(), size))
}

fn values(cursor: Cursor<'_>) -> Vec<Cursor<'_>> {
    cursor
        .children()
        .into_iter()
        .filter(|c| c.kind() == CXCursor_EnumConstantDecl)
        .collect()
}
