//! Text to history: strict. What the file says beside the versions must be what they give.

use serde_json::Value;

use super::types::*;
use super::write::{FORMAT, to_text};
use crate::diag::{Diagnostic, Diagnostics};

const REGENERATE: &str =
    "the history is never edited by hand: `cargo xtask history build` writes it";

/// Reads a history. `name` is only for the errors.
///
/// Refused are: text that is no JSON; what has another form; and everything that is not what the
/// writer would have written from the versions of the items.
pub fn load(name: &str, text: &str) -> Result<History, Diagnostics> {
    let history = read(name, text)?;
    let wanted = to_text(&history);
    if wanted == text {
        return Ok(history);
    }
    let same = text
        .lines()
        .zip(wanted.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let line = |text: &str| text.lines().nth(same).map_or("its end".to_string(), brief);
    let message = format!(
        "not what the versions give: expected `{}`, found `{}`",
        line(&wanted),
        line(text)
    );
    let number = u32::try_from(same.saturating_add(1)).unwrap_or(u32::MAX);
    Err(Diagnostic::new("V006", name, message)
        .at(number, 0)
        .help(REGENERATE)
        .into())
}

/// Reads a history without asking whether what the file says beside the versions is what they give:
/// for commands that only look at the versions and are to answer at once.
pub fn read(name: &str, text: &str) -> Result<History, Diagnostics> {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let value: Value = serde_json::from_str(text).map_err(|error| {
        Diagnostic::new("V004", name, format!("no valid JSON: {error}"))
            .at(narrow(error.line()), narrow(error.column()))
            .help(REGENERATE)
    })?;
    history(&value).map_err(|message| {
        Diagnostic::new("V005", name, message)
            .help(REGENERATE)
            .into()
    })
}

/// Reads a history's file.
pub fn load_file(path: &std::path::Path) -> Result<History, Diagnostics> {
    let (name, text) = file(path)?;
    load(&name, &text)
}

/// [`read`] of a file.
pub fn read_file(path: &std::path::Path) -> Result<History, Diagnostics> {
    let (name, text) = file(path)?;
    read(&name, &text)
}

fn file(path: &std::path::Path) -> Result<(String, String), Diagnostic> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((name, text)),
        Err(error) => {
            Err(
                Diagnostic::new("V000", &name, format!("cannot read the history: {error}"))
                    .help("`cargo xtask history build --git DIR` writes it"),
            )
        }
    }
}

fn brief(line: &str) -> String {
    match line.char_indices().nth(120) {
        Some((end, _)) => format!("{}..", line.get(..end).unwrap_or_default()),
        None => line.to_string(),
    }
}

type Read<T> = Result<T, String>;

fn history(value: &Value) -> Read<History> {
    let format = number::<u32>(get(value, "format")?)?;
    if format != FORMAT {
        return Err(format!("expected format {FORMAT}, found {format}"));
    }
    let source = get(value, "source")?;
    let states: Vec<State> = all(value, "states", state)?;
    let history = History {
        source: Source {
            name: text(get(source, "name")?)?,
            commit: text(get(source, "commit")?)?,
            commits: number(get(source, "commits")?)?,
            main: number(get(source, "main")?)?,
            unversioned: number(get(source, "unversioned")?)?,
        },
        modules: all(value, "modules", module)?,
        structs: all(value, "structs", |v| item(v, structure))?,
        enums: all(value, "enums", |v| item(v, enumeration))?,
        functions: all(value, "functions", |v| item(v, |row, _| function(row)))?,
        callbacks: all(value, "callbacks", |v| {
            item(v, |row, _| signature(at(row, 1)?))
        })?,
        renamed: all(value, "renamed", renamed)?,
        problems: all(value, "problems", |v| {
            Ok(Problem {
                commit: text(get(v, "commit")?)?,
                path: text(get(v, "path")?)?,
                message: text(get(v, "message")?)?,
            })
        })?,
        states,
    };
    let count = history.states.len();
    for module in &history.modules {
        ascending(
            &module.name,
            count,
            module.revisions.iter().map(|r| r.state),
        )?;
    }
    checked("structs", count, &history.structs)?;
    checked("enums", count, &history.enums)?;
    checked("functions", count, &history.functions)?;
    checked("callbacks", count, &history.callbacks)?;
    Ok(history)
}

fn checked<T>(what: &str, count: usize, items: &[Item<T>]) -> Read<()> {
    if !items.is_sorted_by(|a, b| a.name < b.name) {
        return Err(format!("`{what}` are not in the order of their names"));
    }
    for item in items {
        ascending(&item.name, count, item.versions.iter().map(|v| v.state))?;
    }
    Ok(())
}

fn ascending(name: &str, count: usize, states: impl Iterator<Item = usize>) -> Read<()> {
    let states: Vec<usize> = states.collect();
    let sorted = states.is_sorted_by(|a, b| a < b);
    match sorted && states.iter().all(|state| *state < count) {
        true => Ok(()),
        false => Err(format!(
            "`{name}`: its states are not in order, or too high"
        )),
    }
}

fn get<'v>(value: &'v Value, key: &str) -> Read<&'v Value> {
    value
        .get(key)
        .ok_or_else(|| format!("the key `{key}` is missing"))
}

fn at(row: &[Value], index: usize) -> Read<&Value> {
    row.get(index)
        .ok_or_else(|| format!("a row has no element {index}"))
}

fn rows(value: &Value) -> Read<&[Value]> {
    let rows = value.as_array().map(Vec::as_slice);
    rows.ok_or_else(|| format!("expected an array, found {}", brief(&value.to_string())))
}

fn all<T>(value: &Value, key: &str, one: impl Fn(&Value) -> Read<T>) -> Read<Vec<T>> {
    let each = |(index, value)| one(value).map_err(|e| format!("{key}[{index}]: {e}"));
    let rows = rows(get(value, key)?).map_err(|e| format!("{key}: {e}"))?;
    rows.iter().enumerate().map(each).collect()
}

fn text(value: &Value) -> Read<String> {
    let text = value.as_str().map(str::to_string);
    text.ok_or_else(|| format!("expected text, found {}", brief(&value.to_string())))
}

fn number<T: TryFrom<i64>>(value: &Value) -> Read<T> {
    let number = value.as_i64().and_then(|n| T::try_from(n).ok());
    number.ok_or_else(|| format!("expected a number, found {}", brief(&value.to_string())))
}

fn maybe<T>(value: &Value, one: impl Fn(&Value) -> Read<T>) -> Read<Option<T>> {
    match value.is_null() {
        true => Ok(None),
        false => one(value).map(Some),
    }
}

fn state(value: &Value) -> Read<State> {
    let row = rows(value)?;
    Ok(State {
        commit: text(at(row, 1)?)?,
        date: text(at(row, 2)?)?,
        minor: number(at(row, 3)?)?,
        ffi: maybe(at(row, 4)?, number)?,
    })
}

fn module(value: &Value) -> Read<Module> {
    Ok(Module {
        name: text(get(value, "name")?)?,
        path: text(get(value, "path")?)?,
        revisions: all(value, "revisions", |value| {
            let row = rows(value)?;
            let header = match text(at(row, 1)?)?.as_str() {
                "gone" => Presence::Gone,
                "unknown" => Presence::Unknown,
                digest => Presence::Known {
                    digest: digest.to_string(),
                    version: maybe(at(row, 2)?, number)?,
                },
            };
            Ok(Revision {
                state: number(at(row, 0)?)?,
                header,
            })
        })?,
    })
}

fn item<T: Clone>(value: &Value, body: impl Fn(&[Value], Option<&T>) -> Read<T>) -> Read<Item<T>> {
    let name = text(get(value, "name")?)?;
    let mut versions: Vec<Version<T>> = Vec::new();
    let mut last: Option<T> = None;
    for row in rows(get(value, "versions")?)? {
        let row = rows(row)?;
        let found = match at(row, 1)? {
            Value::Null => None,
            _ => Some(body(row, last.as_ref()).map_err(|e| format!("`{name}`: {e}"))?),
        };
        last = found.clone().or(last);
        versions.push(Version {
            state: number(at(row, 0)?)?,
            body: found,
        });
    }
    Ok(Item {
        module: text(get(value, "module")?)?,
        name,
        versions,
    })
}

fn kept<T: Clone>(before: Option<&[T]>, keep: &Value) -> Read<Vec<T>> {
    let keep: usize = number(keep)?;
    let before = before.unwrap_or_default();
    let kept = before.get(..keep).map(<[T]>::to_vec);
    kept.ok_or_else(|| format!("{keep} are kept of {}", before.len()))
}

fn structure(row: &[Value], last: Option<&StructBody>) -> Read<StructBody> {
    let mut fields = kept(last.map(|s| s.fields.as_slice()), at(row, 4)?)?;
    for field in rows(at(row, 5)?)? {
        let field = rows(field)?;
        fields.push(FieldBody {
            name: text(at(field, 0)?)?,
            ty: text(at(field, 1)?)?,
            offset: number(at(field, 2)?)?,
            size: number(at(field, 3)?)?,
        });
    }
    Ok(StructBody {
        kind: text(at(row, 1)?)?,
        size: number(at(row, 2)?)?,
        struct_size: maybe(at(row, 3)?, number)?,
        fields,
    })
}

fn enumeration(row: &[Value], last: Option<&EnumBody>) -> Read<EnumBody> {
    let mut values = kept(last.map(|e| e.values.as_slice()), at(row, 2)?)?;
    for value in rows(at(row, 3)?)? {
        let value = rows(value)?;
        values.push((text(at(value, 0)?)?, number(at(value, 1)?)?));
    }
    Ok(EnumBody {
        size: number(at(row, 1)?)?,
        values,
    })
}

fn function(row: &[Value]) -> Read<FunctionBody> {
    Ok(FunctionBody {
        table: text(at(row, 1)?)?,
        slot: text(at(row, 2)?)?,
        args: maybe(at(row, 3)?, text)?,
        signature: signature(at(row, 4)?)?,
    })
}

fn signature(value: &Value) -> Read<Signature> {
    rows(value)?
        .iter()
        .map(text)
        .collect::<Read<_>>()
        .map(Signature)
}

fn renamed(value: &Value) -> Read<Renamed> {
    Ok(Renamed {
        what: text(get(value, "what")?)?,
        from: text(get(value, "from")?)?,
        to: text(get(value, "to")?)?,
        at: all(value, "at", |value| {
            let row = rows(value)?;
            let names = rows(at(row, 1)?)?.iter().map(text).collect::<Read<_>>()?;
            Ok((number(at(row, 0)?)?, names))
        })?,
    })
}
