//! Which value of `PJRT_Extension_Type` a header's table belongs to, derived from names.

use pjrt_codegen::schema::{Enum, Extension, Header, StructKind};

use super::macros::extension_version;

/// The extension that a header declares: none, one, or an error's text.
pub fn find(header: &Header, types: Option<&Enum>) -> Result<Option<Extension>, String> {
    let tables: Vec<_> = header
        .structs
        .iter()
        .filter(|s| s.kind == StructKind::ExtensionTable)
        .collect();
    let table = match tables.as_slice() {
        [] => return Ok(None),
        [only] => *only,
        many => {
            let names: Vec<_> = many.iter().map(|s| s.name.as_str()).collect();
            return Err(format!(
                "expected one extension table, found {}",
                names.join(", ")
            ));
        }
    };
    let types = types.ok_or("the main header has no enumeration of extension types")?;
    let short = table
        .name
        .trim_start_matches("PJRT_")
        .trim_end_matches("_Extension");
    let wanted = [fold(short), fold(&header.module)];
    let prefixes = ["PJRT_Extension_Type_", "PJRT_Structure_Type_"];
    for wanted in wanted {
        for value in &types.values {
            let name = prefixes.iter().find_map(|p| value.name.strip_prefix(p));
            let Some(name) = name.filter(|name| fold(name) == wanted) else {
                continue;
            };
            let number = u32::try_from(value.value).map_err(|e| e.to_string())?;
            return Ok(Some(Extension {
                number,
                name: name.to_string(),
                table: table.name.clone(),
                version: extension_version(&header.macros),
            }));
        }
    }
    Err(format!(
        "no value of the extension types is named like the table `{}` or the module `{}`",
        table.name, header.module
    ))
}

fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '_')
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
