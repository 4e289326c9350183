//! Structs: fields with type, place, marks; anonymous unions.

use clang_sys::*;
use pjrt_codegen::schema::{Direction, Field, Struct};

use super::index::{Cursor, Type};
use super::source::Sources;
use super::types::{Speller, function_of};
use crate::headers::marks::{self, Marks};

/// Reads a struct's definition. Errors are texts for a diagnostic at its line.
pub fn read(
    cursor: Cursor<'_>,
    name: &str,
    tag: &str,
    sources: &Sources<'_>,
    speller: &mut Speller<'_>,
) -> Result<Struct, String> {
    let ty = cursor.ty();
    let size = ty.size().ok_or("its size is not known")?;
    let align = ty.align().ok_or("its alignment is not known")?;
    let mut fields = Vec::new();
    for child in cursor.children() {
        match child.kind() {
            CXCursor_FieldDecl => fields.push(field(child, ty, sources, speller)?),
            CXCursor_UnionDecl => fields.push(union(child, ty, sources, speller)?),
            CXCursor_StructDecl => return Err("a struct within a struct".to_string()),
            _ => {}
        }
    }
    tag_unions(&mut fields, cursor);
    Ok(Struct {
        name: name.to_string(),
        tag: tag.to_string(),
        size,
        align,
        line: cursor.spot().line,
        fields,
        ..Struct::default()
    })
}

fn field(
    cursor: Cursor<'_>,
    outer: Type<'_>,
    sources: &Sources<'_>,
    speller: &mut Speller<'_>,
) -> Result<Field, String> {
    let name = cursor.name();
    let ty = cursor.ty();
    let missing = |what: &str| format!("the {what} of its field `{name}` is not known");
    let signature = match function_of(ty) {
        Some((function, true)) if ty.kind() == CXType_Pointer => {
            Some(speller.signature(function, &cursor.children()))
        }
        _ => None,
    };
    let marks = read_marks(cursor, sources);
    Ok(Field {
        ty: speller.spell(ty),
        offset: outer.offset_of(&name).ok_or_else(|| missing("offset"))?,
        size: ty.size().ok_or_else(|| missing("size"))?,
        dir: marks.dir,
        optional: marks.optional,
        signature,
        line: cursor.spot().line,
        name,
        ..Field::default()
    })
}

fn union(
    cursor: Cursor<'_>,
    outer: Type<'_>,
    sources: &Sources<'_>,
    speller: &mut Speller<'_>,
) -> Result<Field, String> {
    let mut members = Vec::new();
    for child in cursor.children() {
        if child.kind() == CXCursor_FieldDecl {
            members.push(field(child, outer, sources, speller)?);
        }
    }
    let first = members
        .first()
        .ok_or("an anonymous union without members")?;
    Ok(Field {
        name: String::new(),
        ty: "union".to_string(),
        offset: first.offset,
        size: cursor
            .ty()
            .size()
            .ok_or("the size of its union is not known")?,
        line: cursor.start().line,
        members,
        ..Field::default()
    })
}

/// The tag of a union is the field beside it whose type is an enumeration.
fn tag_unions(fields: &mut [Field], cursor: Cursor<'_>) {
    let enums: Vec<String> = cursor
        .children()
        .into_iter()
        .filter(|c| c.kind() == CXCursor_FieldDecl && c.ty().canonical().kind() == CXType_Enum)
        .map(|c| c.name())
        .collect();
    for index in 0..fields.len() {
        let beside = [index.checked_sub(1), index.checked_add(1)];
        let tag = beside
            .into_iter()
            .flatten()
            .filter_map(|at| fields.get(at))
            .map(|f| f.name.clone())
            .find(|name| enums.contains(name));
        if let (Some(field), Some(tag)) = (fields.get_mut(index), tag)
            && field.ty == "union"
        {
            field.tag = tag;
        }
    }
}

fn read_marks(cursor: Cursor<'_>, sources: &Sources<'_>) -> Marks {
    // The comment stands after the semicolon of the declarator's last line.
    let rest = sources.text_from(&cursor.end());
    let after = rest.split_once(';').map(|(_, after)| after).unwrap_or("");
    let line = after.lines().next().unwrap_or("").trim();
    let mut found = match line.starts_with("//") || line.starts_with("/*") {
        true => marks::trailing(line),
        false => Marks::default(),
    };
    if found.dir.is_none() {
        found.dir = above(cursor, sources);
    }
    found
}

/// Marks on lines of their own: `// Out: ...` right above the field, or a bare `// out` that
/// opens a group of fields, which ends at a blank line or another comment.
fn above(cursor: Cursor<'_>, sources: &Sources<'_>) -> Option<Direction> {
    let start = cursor.start();
    let mut whole = start.clone();
    whole.offset = 0;
    let before = sources.text_from(&whole).get(..start.offset)?;
    let mut lines = before.lines().rev();
    // The field's own line, up to its start.
    if !before.ends_with('\n') {
        lines.next();
    }
    let mut comment = None;
    let mut beside = true;
    for line in lines.map(str::trim) {
        if line.starts_with("//") {
            comment = Some(line);
            continue;
        }
        if comment.is_some() || line.is_empty() || line.ends_with('{') {
            break;
        }
        beside = false;
    }
    // `comment` is now the first line of the nearest block of comments.
    let comment = comment?;
    match beside {
        true => marks::above(comment).or_else(|| marks::group(comment)),
        false => marks::group(comment),
    }
}
