//! Two schemas, header by header.

use std::fmt;

use pjrt_codegen::schema::{Extension, Field, Header, Schema, Signature};

/// What became of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same declarations.
    Matches,
    /// Other declarations; the first few.
    Differs(Vec<String>),
    /// The schema has it, the set does not.
    Absent,
    /// The set has it, the schema does not.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matches => f.write_str("matches"),
            Self::Absent => f.write_str("absent from the set"),
            Self::Unknown => f.write_str("unknown to the schema"),
            Self::Differs(list) => {
                f.write_str("differs")?;
                let shown = 8;
                for difference in list.iter().take(shown) {
                    write!(f, "\n    {difference}")?;
                }
                if list.len() > shown {
                    write!(f, "\n    and {} more", list.len() - shown)?;
                }
                Ok(())
            }
        }
    }
}

/// A verdict for each header that either has, by module name.
pub fn compare(known: &Schema, found: &Schema) -> Vec<(String, Verdict)> {
    let mut verdicts: Vec<_> = known
        .headers
        .iter()
        .map(|a| {
            let verdict = match found.headers.iter().find(|b| b.module == a.module) {
                None => Verdict::Absent,
                Some(b) if a.digest == b.digest => Verdict::Matches,
                Some(b) => Verdict::Differs(differences(a, b)),
            };
            (a.module.clone(), verdict)
        })
        .collect();
    for b in &found.headers {
        if !known.headers.iter().any(|a| a.module == b.module) {
            verdicts.push((b.module.clone(), Verdict::Unknown));
        }
    }
    verdicts
}

fn differences(a: &Header, b: &Header) -> Vec<String> {
    let mut out = Vec::new();
    if a.extension != b.extension {
        out.push(format!(
            "extension {}, now {}",
            extension(a.extension.as_ref()),
            extension(b.extension.as_ref())
        ));
    }
    pair(
        "opaque type",
        &a.opaques,
        &b.opaques,
        |x| &x.name,
        &mut out,
        |_, _| None,
    );
    pair(
        "alias",
        &a.aliases,
        &b.aliases,
        |x| &x.name,
        &mut out,
        |x, y| (x.ty != y.ty).then(|| format!("type `{}`, now `{}`", x.ty, y.ty)),
    );
    pair(
        "enum",
        &a.enums,
        &b.enums,
        |x| &x.name,
        &mut out,
        |x, y| {
            let mut inner = Vec::new();
            pair(
                "value",
                &x.values,
                &y.values,
                |v| &v.name,
                &mut inner,
                |v, w| (v.value != w.value).then(|| format!("{}, now {}", v.value, w.value)),
            );
            if x.repr != y.repr {
                inner.push(format!("`{}`, now `{}`", x.repr, y.repr));
            }
            (!inner.is_empty()).then(|| inner.join("; "))
        },
    );
    pair(
        "struct",
        &a.structs,
        &b.structs,
        |x| &x.name,
        &mut out,
        |x, y| {
            let mut inner = Vec::new();
            pair(
                "field",
                &x.fields,
                &y.fields,
                |f| &f.name,
                &mut inner,
                field,
            );
            if x.size != y.size || x.struct_size != y.struct_size {
                let own = |size: Option<u64>| size.map_or("none".to_string(), |n| n.to_string());
                inner.push(format!(
                    "size {}, own {}; now {}, own {}",
                    x.size,
                    own(x.struct_size),
                    y.size,
                    own(y.struct_size)
                ));
            }
            (!inner.is_empty()).then(|| inner.join("; "))
        },
    );
    pair(
        "callback",
        &a.callbacks,
        &b.callbacks,
        |x| &x.name,
        &mut out,
        |x, y| (types(&x.signature) != types(&y.signature)).then(|| "other signature".to_string()),
    );
    pair(
        "function",
        &a.functions,
        &b.functions,
        |x| &x.name,
        &mut out,
        |x, y| {
            let moved = (&x.table, &x.slot, x.offset) != (&y.table, &y.slot, y.offset);
            let other = types(&x.signature) != types(&y.signature) || x.form != y.form;
            match (moved, other) {
                (true, _) => Some(format!(
                    "at {}.{} ({}), now {}.{} ({})",
                    x.table, x.slot, x.offset, y.table, y.slot, y.offset
                )),
                (_, true) => Some("other signature".to_string()),
                _ => None,
            }
        },
    );
    if out.is_empty() {
        out.push("the order of declarations".to_string());
    }
    out
}

fn extension(extension: Option<&Extension>) -> String {
    let Some(e) = extension else {
        return "none".to_string();
    };
    let version = e.version.map_or("none".to_string(), |n| n.to_string());
    format!(
        "{} ({}), table `{}`, version {version}",
        e.name, e.number, e.table
    )
}

fn field(x: &Field, y: &Field) -> Option<String> {
    if x.ty != y.ty {
        return Some(format!("type `{}`, now `{}`", x.ty, y.ty));
    }
    if (x.offset, x.size) != (y.offset, y.size) {
        return Some(format!(
            "{} bytes at {}, now {} at {}",
            x.size, x.offset, y.size, y.offset
        ));
    }
    (x.members.len() != y.members.len()).then(|| "other members".to_string())
}

fn types(signature: &Signature) -> Vec<&str> {
    let params = signature.params.iter().map(|p| p.ty.as_str());
    std::iter::once(signature.returns.as_str())
        .chain(params)
        .collect()
}

fn pair<T>(
    what: &str,
    a: &[T],
    b: &[T],
    name: impl Fn(&T) -> &str,
    out: &mut Vec<String>,
    differ: impl Fn(&T, &T) -> Option<String>,
) {
    for x in a {
        match b.iter().find(|y| name(y) == name(x)) {
            None => out.push(format!("{what} `{}` is gone", name(x))),
            Some(y) => out.extend(differ(x, y).map(|d| format!("{what} `{}`: {d}", name(x)))),
        }
    }
    for y in b {
        if !a.iter().any(|x| name(x) == name(y)) {
            out.push(format!("{what} `{}` is new", name(y)));
        }
    }
}
