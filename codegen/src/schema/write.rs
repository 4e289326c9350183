//! Facts to JSON: canonical text, a compact value, and the text behind a header's digest.

use super::json::Json;
use super::types::*;

/// Number of the file format, the first key of every schema file.
pub const FORMAT: u32 = 1;

/// How much of the facts is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Everything.
    Full,
    /// Without lines, hashes and provenance, leaves as arrays: for `model.json`.
    Compact,
}

/// The canonical text: what a schema file holds, byte for byte.
pub fn to_text(schema: &Schema) -> String {
    tree(schema, Detail::Full).render()
}

/// The facts as a JSON value.
pub fn to_value(schema: &Schema, detail: Detail) -> serde_json::Value {
    tree(schema, detail).into_value()
}

/// The declarations of a header and nothing else: no lines, comments' marks, parameter names,
/// derived kinds, macros, path or provenance. Headers with one ABI give one text; its SHA-256 is
/// the digest.
pub fn normalised(header: &Header) -> String {
    let writer = Writer {
        lines: false,
        comments: false,
        compact: true,
    };
    Json::Doc(writer.declarations(header)).line()
}

fn tree(schema: &Schema, detail: Detail) -> Json {
    let writer = Writer {
        lines: detail == Detail::Full,
        comments: true,
        compact: detail == Detail::Compact,
    };
    Json::Doc(vec![
        ("format", int(FORMAT)),
        ("major", int(schema.major)),
        ("minor", int(schema.minor)),
        (
            "headers",
            Json::Arr(schema.headers.iter().map(|h| writer.header(h)).collect()),
        ),
    ])
}

struct Writer {
    /// Lines, hashes and provenance.
    lines: bool,
    /// What a compiler does not see: marks, names of parameters, kinds.
    comments: bool,
    /// Leaves as arrays.
    compact: bool,
}

type Pairs = Vec<(&'static str, Json)>;

impl Writer {
    fn header(&self, header: &Header) -> Json {
        let mut pairs: Pairs = vec![
            ("module", Json::str(&header.module)),
            ("path", Json::str(&header.path)),
        ];
        if self.lines {
            let source = &header.source;
            let mut origin: Pairs = vec![("kind", Json::str(&source.kind))];
            text("name", &source.name, &mut origin);
            text("revision", &source.revision, &mut origin);
            pairs.push(("sha256", Json::str(&header.sha256)));
            pairs.push(("digest", Json::str(&header.digest)));
            pairs.push(("source", Json::Obj(origin)));
        }
        if !header.uses.is_empty() {
            let uses = header.uses.iter().map(|u| Json::str(u)).collect();
            pairs.push(("uses", Json::Arr(uses)));
        }
        list("macros", &header.macros, &mut pairs, |m| {
            self.leaf(&[("name", &m.name), ("value", &m.value)], m.line)
        });
        pairs.extend(self.declarations(header));
        Json::Doc(pairs)
    }

    fn declarations(&self, header: &Header) -> Pairs {
        let mut pairs = Pairs::new();
        if let Some(extension) = &header.extension {
            pairs.push(("extension", extension_tree(extension)));
        }
        list("opaques", &header.opaques, &mut pairs, |o| {
            self.leaf(&[("name", &o.name)], o.line)
        });
        list("aliases", &header.aliases, &mut pairs, |a| {
            self.leaf(&[("name", &a.name), ("type", &a.ty)], a.line)
        });
        list("enums", &header.enums, &mut pairs, |e| self.enumeration(e));
        list("structs", &header.structs, &mut pairs, |s| {
            self.structure(s)
        });
        list("callbacks", &header.callbacks, &mut pairs, |c| {
            let mut pairs: Pairs = vec![("name", Json::str(&c.name))];
            pairs.extend(self.signature(&c.signature, None));
            self.line(c.line, &mut pairs);
            Json::Obj(pairs)
        });
        list("functions", &header.functions, &mut pairs, |f| {
            self.function(f)
        });
        pairs
    }

    fn leaf(&self, texts: &[(&'static str, &str)], line: u32) -> Json {
        if self.compact {
            return Json::Arr(texts.iter().map(|(_, text)| Json::str(text)).collect());
        }
        let mut pairs: Pairs = texts
            .iter()
            .map(|(k, text)| (*k, Json::str(text)))
            .collect();
        self.line(line, &mut pairs);
        Json::Obj(pairs)
    }

    fn line(&self, line: u32, pairs: &mut Pairs) {
        if self.lines {
            pairs.push(("line", int(line)));
        }
    }

    fn enumeration(&self, e: &Enum) -> Json {
        let mut pairs: Pairs = vec![
            ("name", Json::str(&e.name)),
            ("repr", Json::str(&e.repr)),
            ("size", int(e.size)),
        ];
        self.line(e.line, &mut pairs);
        let values = e.values.iter().map(|value| {
            if self.compact {
                return Json::Arr(vec![Json::str(&value.name), int(value.value)]);
            }
            let mut pairs: Pairs = vec![
                ("name", Json::str(&value.name)),
                ("value", int(value.value)),
            ];
            self.line(value.line, &mut pairs);
            Json::Obj(pairs)
        });
        pairs.push(("values", Json::Arr(values.collect())));
        Json::Obj(pairs)
    }

    fn structure(&self, s: &Struct) -> Json {
        let mut pairs: Pairs = vec![("name", Json::str(&s.name))];
        if s.tag != s.name {
            pairs.push(("tag", Json::str(&s.tag)));
        }
        if s.kind != StructKind::default() && self.comments {
            pairs.push(("kind", Json::str(kind_name(s.kind))));
        }
        pairs.push(("size", int(s.size)));
        pairs.push(("align", int(s.align)));
        if let Some(size) = s.struct_size {
            pairs.push(("struct_size", int(size)));
        }
        self.line(s.line, &mut pairs);
        pairs.push((
            "fields",
            Json::Arr(s.fields.iter().map(|f| self.field(f)).collect()),
        ));
        Json::Obj(pairs)
    }

    fn field(&self, f: &Field) -> Json {
        let mut extras = Pairs::new();
        let direction = f.dir.filter(|_| self.comments).map(direction_name);
        let optional = f.optional && self.comments;
        let slot = f.slot.filter(|_| self.comments).map(slot_name);
        if !self.compact {
            extras.push(("name", Json::str(&f.name)));
            extras.push(("type", Json::str(&f.ty)));
            extras.push(("offset", int(f.offset)));
            extras.push(("size", int(f.size)));
            if let Some(direction) = direction {
                extras.push(("dir", Json::str(direction)));
            }
            if optional {
                extras.push(("optional", Json::Bool(true)));
            }
            if let Some(slot) = slot {
                extras.push(("slot", Json::str(slot)));
            }
        }
        text("tag", &f.tag, &mut extras);
        if let Some(signature) = &f.signature {
            extras.push(("signature", Json::Obj(self.signature(signature, None))));
        }
        if !self.compact {
            self.line(f.line, &mut extras);
        }
        list("members", &f.members, &mut extras, |m| self.field(m));
        if !self.compact {
            return Json::Obj(extras);
        }
        let mut items = vec![
            Json::str(&f.name),
            Json::str(&f.ty),
            int(f.offset),
            int(f.size),
        ];
        let flags: Vec<&str> = [direction, optional.then_some("optional"), slot]
            .into_iter()
            .flatten()
            .collect();
        if !flags.is_empty() || !extras.is_empty() {
            items.push(Json::Str(flags.join(",")));
        }
        if !extras.is_empty() {
            items.push(Json::Obj(extras));
        }
        Json::Arr(items)
    }

    /// `args` is the struct whose pointer, called `args`, is the usual only parameter.
    fn signature(&self, signature: &Signature, args: Option<&str>) -> Pairs {
        let mut pairs: Pairs = vec![("returns", Json::str(&signature.returns))];
        if let (Some(args), [only], true) = (args, signature.params.as_slice(), self.comments)
            && only.name == "args"
            && only.ty.strip_suffix('*') == Some(args)
        {
            return pairs;
        }
        let params = signature.params.iter().map(|p| {
            let name = if self.comments { &p.name } else { "" };
            Json::Arr(vec![Json::str(name), Json::str(&p.ty)])
        });
        pairs.push(("params", Json::Arr(params.collect())));
        pairs
    }

    fn function(&self, f: &Function) -> Json {
        let mut pairs: Pairs = vec![("name", Json::str(&f.name))];
        if f.form != FunctionForm::default() {
            pairs.push(("form", Json::str(form_name(f.form))));
        }
        pairs.extend(self.signature(&f.signature, f.args.as_deref()));
        if let Some(args) = &f.args {
            pairs.push(("args", Json::str(args)));
        }
        if !f.table.is_empty() {
            pairs.push(("table", Json::str(&f.table)));
            if f.slot != f.name {
                pairs.push(("slot", Json::str(&f.slot)));
            }
            pairs.push(("index", int(f.index)));
            pairs.push(("offset", int(f.offset)));
        }
        self.line(f.line, &mut pairs);
        Json::Obj(pairs)
    }
}

fn extension_tree(extension: &Extension) -> Json {
    let mut pairs: Pairs = vec![
        ("number", int(extension.number)),
        ("name", Json::str(&extension.name)),
        ("table", Json::str(&extension.table)),
    ];
    if let Some(version) = extension.version {
        pairs.push(("version", int(version)));
    }
    Json::Obj(pairs)
}

fn list<T>(key: &'static str, items: &[T], pairs: &mut Pairs, one: impl Fn(&T) -> Json) {
    if !items.is_empty() {
        pairs.push((key, Json::Arr(items.iter().map(one).collect())));
    }
}

fn text(key: &'static str, value: &str, pairs: &mut Pairs) {
    if !value.is_empty() {
        pairs.push((key, Json::str(value)));
    }
}

fn int(value: impl Into<i128>) -> Json {
    Json::Int(value.into())
}

/// Word of the file format.
pub(super) fn kind_name(kind: StructKind) -> &'static str {
    match kind {
        StructKind::Args => "args",
        StructKind::CallbackArgs => "callback_args",
        StructKind::Api => "api",
        StructKind::ExtensionTable => "extension_table",
        StructKind::Vtable => "vtable",
        StructKind::Handle => "handle",
        StructKind::Value => "value",
    }
}

/// Word of the file format.
pub(super) fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
        Direction::InOut => "in/out",
    }
}

/// Word of the file format.
pub(super) fn slot_name(slot: Slot) -> &'static str {
    match slot {
        Slot::Function => "function",
        Slot::Deprecated => "deprecated",
        Slot::Flag => "flag",
        Slot::Data => "data",
    }
}

/// Word of the file format.
pub(super) fn form_name(form: FunctionForm) -> &'static str {
    match form {
        FunctionForm::Function => "function",
        FunctionForm::Pointer => "pointer",
        FunctionForm::Member => "member",
    }
}
