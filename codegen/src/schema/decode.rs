//! From a JSON value to the types of the facts.

use serde_json::Value;

use super::read::{Entry, Findings, Place};
use super::types::*;
use super::write::{Detail, FORMAT, direction_name, form_name, kind_name, slot_name};

const KINDS: [StructKind; 7] = [
    StructKind::Args,
    StructKind::CallbackArgs,
    StructKind::Api,
    StructKind::ExtensionTable,
    StructKind::Vtable,
    StructKind::Handle,
    StructKind::Value,
];
const DIRECTIONS: [Direction; 3] = [Direction::In, Direction::Out, Direction::InOut];
const SLOTS: [Slot; 4] = [Slot::Function, Slot::Deprecated, Slot::Flag, Slot::Data];
const FORMS: [FunctionForm; 3] = [
    FunctionForm::Function,
    FunctionForm::Pointer,
    FunctionForm::Member,
];

/// Reads what the writer wrote with the same detail.
pub(super) struct Decoder {
    full: bool,
}

impl Decoder {
    pub(super) fn new(detail: Detail) -> Self {
        Self {
            full: detail == Detail::Full,
        }
    }

    pub(super) fn schema(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Schema {
        let Some(map) = f.object(place, value, &["format", "major", "minor", "headers"]) else {
            return Schema::default();
        };
        let entry = Entry { map, place };
        let format: u32 = entry.number("format", f);
        if format != FORMAT {
            f.add(
                &place.key("format"),
                format!("expected format {FORMAT}, found {format}"),
                "regenerate the file, or use the tools of its time",
            );
        }
        Schema {
            major: entry.number("major", f),
            minor: entry.number("minor", f),
            headers: entry.list("headers", f, |place, value, f| self.header(place, value, f)),
        }
    }

    fn header(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Option<Header> {
        let keys = [
            "module",
            "path",
            "sha256",
            "digest",
            "source",
            "uses",
            "macros",
            "extension",
            "opaques",
            "aliases",
            "enums",
            "structs",
            "callbacks",
            "functions",
        ];
        let map = f.object(place, value, &keys)?;
        let entry = Entry { map, place };
        let mut header = Header {
            module: entry.text("module", f),
            path: entry.text("path", f),
            ..Header::default()
        };
        if self.full {
            header.sha256 = entry.text("sha256", f);
            header.digest = entry.text("digest", f);
            let source = entry.get("source").unwrap_or(&Value::Null);
            header.source = self.source(&place.key("source"), source, f);
        }
        header.uses = entry.list("uses", f, |place, value, f| Some(f.text(place, value)));
        header.extension = entry
            .get("extension")
            .and_then(|value| self.extension(&place.key("extension"), value, f));
        header.macros = entry.list("macros", f, |place, value, f| {
            let ([name, text], line) = self.leaf(["name", "value"], place, value, f)?;
            Some(Macro {
                name,
                value: text,
                line,
            })
        });
        header.opaques = entry.list("opaques", f, |place, value, f| {
            let ([name], line) = self.leaf(["name"], place, value, f)?;
            Some(Opaque { name, line })
        });
        header.aliases = entry.list("aliases", f, |place, value, f| {
            let ([name, ty], line) = self.leaf(["name", "type"], place, value, f)?;
            Some(Alias { name, ty, line })
        });
        header.enums = entry.list("enums", f, |place, value, f| {
            self.enumeration(place, value, f)
        });
        header.structs = entry.list("structs", f, |place, value, f| {
            self.structure(place, value, f)
        });
        header.callbacks = entry.list("callbacks", f, |place, value, f| {
            let map = f.object(place, value, &["name", "returns", "params", "line"])?;
            let entry = Entry { map, place };
            Some(Callback {
                name: entry.text("name", f),
                signature: signature(&entry, None, f),
                line: entry.line(self.full, f),
            })
        });
        header.functions = entry.list("functions", f, |place, value, f| {
            self.function(place, value, f)
        });
        Some(header)
    }

    fn source(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Source {
        let Some(map) = f.object(place, value, &["kind", "name", "revision"]) else {
            return Source::default();
        };
        let entry = Entry { map, place };
        Source {
            kind: entry.text("kind", f),
            name: entry.maybe_text("name", f),
            revision: entry.maybe_text("revision", f),
        }
    }

    fn extension(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Option<Extension> {
        let map = f.object(place, value, &["number", "name", "table", "version"])?;
        let entry = Entry { map, place };
        Some(Extension {
            number: entry.number("number", f),
            name: entry.text("name", f),
            table: entry.text("table", f),
            version: entry
                .get("version")
                .map(|value| f.number(&place.key("version"), value)),
        })
    }

    /// An entry of strings: an object with a line, or, compact, an array.
    fn leaf<const N: usize>(
        &self,
        keys: [&str; N],
        place: &Place<'_>,
        value: &Value,
        f: &mut Findings,
    ) -> Option<([String; N], u32)> {
        let mut texts = std::array::from_fn(|_| String::new());
        if self.full {
            let mut known = keys.to_vec();
            known.push("line");
            let map = f.object(place, value, &known)?;
            let entry = Entry { map, place };
            for (text, key) in texts.iter_mut().zip(keys) {
                *text = entry.text(key, f);
            }
            return Some((texts, entry.line(true, f)));
        }
        let items = exact(place, value, N..=N, f)?;
        for (index, (text, item)) in texts.iter_mut().zip(items).enumerate() {
            *text = f.text(&place.index(index), item);
        }
        Some((texts, 0))
    }

    fn enumeration(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Option<Enum> {
        let map = f.object(place, value, &["name", "repr", "size", "line", "values"])?;
        let entry = Entry { map, place };
        Some(Enum {
            name: entry.text("name", f),
            repr: entry.text("repr", f),
            size: entry.number("size", f),
            line: entry.line(self.full, f),
            values: entry.list("values", f, |place, value, f| {
                self.enum_value(place, value, f)
            }),
        })
    }

    fn enum_value(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Option<EnumValue> {
        if self.full {
            let map = f.object(place, value, &["name", "value", "line"])?;
            let entry = Entry { map, place };
            return Some(EnumValue {
                name: entry.text("name", f),
                value: entry.number("value", f),
                line: entry.line(true, f),
            });
        }
        match exact(place, value, 2..=2, f)? {
            [name, number] => Some(EnumValue {
                name: f.text(&place.index(0), name),
                value: f.number(&place.index(1), number),
                line: 0,
            }),
            _ => None,
        }
    }

    fn structure(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Option<Struct> {
        let keys = [
            "name",
            "tag",
            "kind",
            "size",
            "align",
            "struct_size",
            "line",
            "fields",
        ];
        let map = f.object(place, value, &keys)?;
        let entry = Entry { map, place };
        let name = entry.text("name", f);
        let tag = match entry.get("tag") {
            Some(value) => f.text(&place.key("tag"), value),
            None => name.clone(),
        };
        let kind = entry.get("kind").and_then(|value| {
            let text = f.text(&place.key("kind"), value);
            f.word(&place.key("kind"), &text, &KINDS, kind_name)
        });
        Some(Struct {
            name,
            tag,
            kind: kind.unwrap_or_default(),
            size: entry.number("size", f),
            align: entry.number("align", f),
            struct_size: entry
                .get("struct_size")
                .map(|value| f.number(&place.key("struct_size"), value)),
            line: entry.line(self.full, f),
            fields: entry.list("fields", f, |place, value, f| self.field(place, value, f)),
        })
    }

    fn field(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Option<Field> {
        if !self.full {
            return self.compact_field(place, value, f);
        }
        let keys = [
            "name",
            "type",
            "offset",
            "size",
            "dir",
            "optional",
            "slot",
            "tag",
            "signature",
            "line",
            "members",
        ];
        let map = f.object(place, value, &keys)?;
        let entry = Entry { map, place };
        let mut field = Field {
            name: entry.text("name", f),
            ty: entry.text("type", f),
            offset: entry.number("offset", f),
            size: entry.number("size", f),
            line: entry.line(true, f),
            ..Field::default()
        };
        if let Some(value) = entry.get("dir") {
            let text = f.text(&place.key("dir"), value);
            field.dir = f.word(&place.key("dir"), &text, &DIRECTIONS, direction_name);
        }
        if let Some(value) = entry.get("optional") {
            field.optional = f.truth(&place.key("optional"), value);
        }
        if let Some(value) = entry.get("slot") {
            let text = f.text(&place.key("slot"), value);
            field.slot = f.word(&place.key("slot"), &text, &SLOTS, slot_name);
        }
        self.extras(&entry, &mut field, f);
        Some(field)
    }

    /// `[name, type, offset, size, flags, {signature, members, tag}]`, the last two optional.
    fn compact_field(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Option<Field> {
        let items = exact(place, value, 4..=6, f)?;
        let [name, ty, offset, size, rest @ ..] = items else {
            return None;
        };
        let mut field = Field {
            name: f.text(&place.index(0), name),
            ty: f.text(&place.index(1), ty),
            offset: f.number(&place.index(2), offset),
            size: f.number(&place.index(3), size),
            ..Field::default()
        };
        if let Some(flags) = rest.first() {
            let place = place.index(4);
            for flag in f.text(&place, flags).split(',').filter(|s| !s.is_empty()) {
                let direction = DIRECTIONS.iter().find(|d| direction_name(**d) == flag);
                if flag == "optional" {
                    field.optional = true;
                } else if let Some(direction) = direction {
                    field.dir = Some(*direction);
                } else {
                    field.slot = f.word(&place, flag, &SLOTS, slot_name);
                }
            }
        }
        if let Some(extras) = rest.get(1) {
            let place = place.index(5);
            let map = f.object(&place, extras, &["tag", "signature", "members"])?;
            self.extras(&Entry { map, place: &place }, &mut field, f);
        }
        Some(field)
    }

    fn extras(&self, entry: &Entry<'_, '_>, field: &mut Field, f: &mut Findings) {
        field.tag = entry.maybe_text("tag", f);
        field.signature = entry.get("signature").and_then(|value| {
            let place = entry.place.key("signature");
            let map = f.object(&place, value, &["returns", "params"])?;
            let entry = Entry { map, place: &place };
            Some(signature(&entry, None, f))
        });
        field.members = entry.list("members", f, |place, value, f| self.field(place, value, f));
    }

    fn function(&self, place: &Place<'_>, value: &Value, f: &mut Findings) -> Option<Function> {
        let keys = [
            "name", "form", "returns", "params", "args", "table", "slot", "index", "offset", "line",
        ];
        let map = f.object(place, value, &keys)?;
        let entry = Entry { map, place };
        let name = entry.text("name", f);
        let args = entry
            .get("args")
            .map(|value| f.text(&place.key("args"), value));
        let form = entry.get("form").and_then(|value| {
            let text = f.text(&place.key("form"), value);
            f.word(&place.key("form"), &text, &FORMS, form_name)
        });
        let mut function = Function {
            form: form.unwrap_or_default(),
            signature: signature(&entry, args.as_deref(), f),
            args,
            table: entry.maybe_text("table", f),
            line: entry.line(self.full, f),
            ..Function::default()
        };
        if !function.table.is_empty() {
            function.slot = match entry.get("slot") {
                Some(value) => f.text(&place.key("slot"), value),
                None => name.clone(),
            };
            function.index = entry.number("index", f);
            function.offset = entry.number("offset", f);
        }
        function.name = name;
        Some(function)
    }
}

/// `params` may be left out where the only parameter is a pointer to `args`, called `args`.
fn signature(entry: &Entry<'_, '_>, args: Option<&str>, f: &mut Findings) -> Signature {
    let returns = entry.text("returns", f);
    let params = match (entry.get("params"), args) {
        (None, Some(args)) => vec![Param {
            name: "args".to_string(),
            ty: format!("{args}*"),
        }],
        (None, None) => {
            f.add(entry.place, "the key `params` is missing".to_string(), "");
            Vec::new()
        }
        (Some(_), _) => entry.list("params", f, |place, value, f| {
            match exact(place, value, 2..=2, f)? {
                [name, ty] => Some(Param {
                    name: f.text(&place.index(0), name),
                    ty: f.text(&place.index(1), ty),
                }),
                _ => None,
            }
        }),
    };
    Signature { returns, params }
}

fn exact<'v>(
    place: &Place<'_>,
    value: &'v Value,
    count: std::ops::RangeInclusive<usize>,
    f: &mut Findings,
) -> Option<&'v [Value]> {
    let items = f.array(place, value);
    if count.contains(&items.len()) {
        return Some(items);
    }
    f.add(
        place,
        format!(
            "expected {} to {} elements, found {}",
            count.start(),
            count.end(),
            items.len()
        ),
        "",
    );
    None
}
