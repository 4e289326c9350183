//! Whether two spellings of a type are one to whoever passes and reads its values.

/// Whether values of two types are passed and read alike: `const` does not matter, `void*` stands
/// for any pointer to data. Types of other names are other types: a rename is a judgement.
pub fn same_type(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (a, b) = (plain(a), plain(b));
    a == b || (any_pointer(&a) && data_pointer(&b)) || (any_pointer(&b) && data_pointer(&a))
}

fn any_pointer(ty: &str) -> bool {
    ty == "void*"
}

fn data_pointer(ty: &str) -> bool {
    ty.ends_with('*') && !ty.contains('(')
}

/// A type without `const`, blanks, and with one name for each integer.
fn plain(ty: &str) -> String {
    let mut out = String::with_capacity(ty.len());
    for word in words(ty) {
        match word {
            "const" | " " => {}
            "int" => out.push_str("int32_t"),
            other => out.push_str(other),
        }
    }
    out
}

/// Names and the single characters between them.
pub fn words(ty: &str) -> impl Iterator<Item = &str> {
    let mut rest = ty;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let name = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let end = match name(first) {
            true => rest.find(|c| !name(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (word, tail) = rest.split_at(end);
        rest = tail;
        Some(word)
    })
}
