//! Whether the numbers and names of a schema agree with each other.

use std::collections::HashSet;

use super::locate::Step;
use super::read::Finding;
use super::types::*;

/// Everything that contradicts something else.
pub(super) fn check(schema: &Schema) -> Vec<Finding> {
    let mut checker = Checker::new(schema);
    let mut modules = HashSet::new();
    for (index, header) in schema.headers.iter().enumerate() {
        checker.path = vec![Step::Key("headers".to_string()), Step::Index(index)];
        checker.unique(&mut modules, &header.module, "module");
        checker.header(header);
    }
    checker.findings
}

struct Checker<'s> {
    schema: &'s Schema,
    types: HashSet<&'s str>,
    path: Vec<Step>,
    findings: Vec<Finding>,
    /// All headers that this one uses are in the schema, so that every name must be known.
    closed: bool,
}

/// Types of the language and of the C library that the headers use.
const BUILTIN: [&str; 26] = [
    "void",
    "bool",
    "char",
    "signed",
    "unsigned",
    "short",
    "int",
    "long",
    "float",
    "double",
    "size_t",
    "ptrdiff_t",
    "intptr_t",
    "uintptr_t",
    "int8_t",
    "int16_t",
    "int32_t",
    "int64_t",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "const",
    "volatile",
    "union",
    "struct",
];

impl<'s> Checker<'s> {
    fn new(schema: &'s Schema) -> Self {
        let mut types = HashSet::from(BUILTIN);
        for header in &schema.headers {
            types.extend(header.opaques.iter().map(|x| x.name.as_str()));
            types.extend(header.aliases.iter().map(|x| x.name.as_str()));
            types.extend(header.enums.iter().map(|x| x.name.as_str()));
            types.extend(header.structs.iter().map(|x| x.name.as_str()));
            types.extend(header.callbacks.iter().map(|x| x.name.as_str()));
            types.extend(header.functions.iter().map(|x| x.name.as_str()));
        }
        Self {
            schema,
            types,
            path: Vec::new(),
            findings: Vec::new(),
            closed: true,
        }
    }

    fn add(&mut self, key: &str, message: String) {
        let mut path = self.path.clone();
        if !key.is_empty() {
            path.push(Step::Key(key.to_string()));
        }
        self.findings.push(Finding {
            path,
            message,
            help: "",
        });
    }

    fn unique(&mut self, seen: &mut HashSet<&'s str>, name: &'s str, key: &str) {
        if name.is_empty() {
            self.add(key, "expected a name, found nothing".to_string());
        } else if !seen.insert(name) {
            self.add(key, format!("`{name}` is declared twice"));
        }
    }

    fn each<T>(&mut self, key: &str, items: &'s [T], mut one: impl FnMut(&mut Self, &'s T)) {
        self.path.push(Step::Key(key.to_string()));
        for (index, item) in items.iter().enumerate() {
            self.path.push(Step::Index(index));
            one(self, item);
            self.path.pop();
        }
        self.path.pop();
    }

    fn header(&mut self, header: &'s Header) {
        let known: HashSet<_> = self.schema.headers.iter().map(|h| &h.module).collect();
        self.closed = header.uses.iter().all(|module| known.contains(module));
        for (key, text) in [("sha256", &header.sha256), ("digest", &header.digest)] {
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            // A compact value carries none.
            let fits = text.is_empty() || (text.len() == 64 && text.bytes().all(hex));
            if !fits {
                self.add(key, format!("expected 64 hex digits, found \"{text}\""));
            }
        }
        if let Some(extension) = &header.extension
            && !header.structs.iter().any(|s| s.name == extension.table)
        {
            self.add(
                "extension",
                format!(
                    "the table `{}` is no struct of this header",
                    extension.table
                ),
            );
        }
        let mut names = HashSet::new();
        self.each("opaques", &header.opaques, |c, x| {
            c.unique(&mut names, &x.name, "name");
        });
        self.each("aliases", &header.aliases, |c, x| {
            c.unique(&mut names, &x.name, "name");
            c.known(&x.ty, "type");
        });
        self.each("enums", &header.enums, |c, x| {
            c.unique(&mut names, &x.name, "name");
            c.enumeration(x);
        });
        self.each("structs", &header.structs, |c, x| {
            c.unique(&mut names, &x.name, "name");
            c.structure(x);
        });
        self.each("callbacks", &header.callbacks, |c, x| {
            c.unique(&mut names, &x.name, "name");
            c.signature(&x.signature);
        });
        let mut slots = HashSet::new();
        self.each("functions", &header.functions, |c, x| {
            if x.table.is_empty() {
                c.unique(&mut names, &x.name, "name");
            } else if !slots.insert((x.table.as_str(), x.slot.as_str())) {
                c.add("slot", format!("`{}.{}` is taken twice", x.table, x.slot));
            }
            c.function(header, x);
        });
    }

    fn enumeration(&mut self, e: &'s Enum) {
        let range = match e.repr.as_str() {
            "uint8_t" => Some((1, 0, i64::from(u8::MAX))),
            "int8_t" => Some((1, i64::from(i8::MIN), i64::from(i8::MAX))),
            "uint16_t" => Some((2, 0, i64::from(u16::MAX))),
            "int16_t" => Some((2, i64::from(i16::MIN), i64::from(i16::MAX))),
            "uint32_t" => Some((4, 0, i64::from(u32::MAX))),
            "int32_t" => Some((4, i64::from(i32::MIN), i64::from(i32::MAX))),
            "uint64_t" => Some((8, 0, i64::MAX)),
            "int64_t" => Some((8, i64::MIN, i64::MAX)),
            _ => None,
        };
        let Some((size, least, most)) = range else {
            self.add(
                "repr",
                format!("expected a sized integer, found `{}`", e.repr),
            );
            return;
        };
        if e.size != size {
            self.add(
                "size",
                format!(
                    "expected {size}, the size of `{}`, found {}",
                    e.repr, e.size
                ),
            );
        }
        let mut names = HashSet::new();
        self.each("values", &e.values, |c, value| {
            c.unique(&mut names, &value.name, "name");
            if value.value < least || value.value > most {
                c.add(
                    "value",
                    format!("{} does not fit `{}`", value.value, e.repr),
                );
            }
        });
    }

    fn structure(&mut self, s: &'s Struct) {
        if !s.align.is_power_of_two() || s.size.checked_rem(s.align) != Some(0) {
            self.add(
                "size",
                format!(
                    "the size {} is no multiple of the alignment {}",
                    s.size, s.align
                ),
            );
        }
        let mut names = HashSet::new();
        let mut end = 0u64;
        self.each("fields", &s.fields, |c, field| {
            if field.offset < end {
                c.add(
                    "offset",
                    format!(
                        "expected at least {end}, the end of the field before, found {}",
                        field.offset
                    ),
                );
            }
            end = field.offset.saturating_add(field.size);
            if end > s.size {
                c.add(
                    "size",
                    format!("the field ends at {end}, the struct at {}", s.size),
                );
            }
            c.field(field, &mut names);
        });
        if let Some(given) = s.struct_size {
            let ends = |f: &Field| f.offset.saturating_add(f.size) == given;
            if given != s.size && !s.fields.iter().any(ends) {
                self.add(
                    "struct_size",
                    format!("expected the end of a field or {}, found {given}", s.size),
                );
            }
        }
    }

    fn field(&mut self, field: &'s Field, names: &mut HashSet<&'s str>) {
        if field.ty == "union" {
            let limit = field.offset.saturating_add(field.size);
            self.each("members", &field.members, |c, member| {
                let end = member.offset.saturating_add(member.size);
                if member.offset != field.offset || end > limit {
                    c.add(
                        "offset",
                        format!(
                            "the member lies outside its union at {}..{limit}",
                            field.offset
                        ),
                    );
                }
                c.field(member, names);
            });
            return;
        }
        self.unique(names, &field.name, "name");
        match &field.signature {
            Some(signature) => self.signature(signature),
            None => self.known(&field.ty, "type"),
        }
    }

    fn signature(&mut self, signature: &'s Signature) {
        self.known(&signature.returns, "returns");
        for param in &signature.params {
            self.known(&param.ty, "params");
        }
    }

    fn function(&mut self, header: &'s Header, function: &'s Function) {
        self.signature(&function.signature);
        let structs = || self.schema.headers.iter().flat_map(|h| &h.structs);
        if let Some(args) = &function.args
            && self.closed
            && !structs().any(|s| s.name == *args)
        {
            self.add("args", format!("there is no struct `{args}`"));
        }
        if function.table.is_empty() {
            return;
        }
        let table = header.structs.iter().find(|s| s.name == function.table);
        let Some(table) = table else {
            self.add("table", format!("there is no struct `{}`", function.table));
            return;
        };
        let place = usize::try_from(function.index).unwrap_or(usize::MAX);
        let fits = table.fields.get(place).is_some_and(|field| {
            field.name == function.slot
                && field.offset == function.offset
                && field.slot == Some(Slot::Function)
        });
        if !fits {
            self.add(
                "index",
                format!(
                    "field {} of `{}` is no function slot `{}` at offset {}",
                    function.index, function.table, function.slot, function.offset
                ),
            );
        }
    }

    /// Every name in a type's spelling is declared somewhere.
    fn known(&mut self, ty: &'s str, key: &str) {
        if ty.is_empty() {
            self.add(key, "expected a type, found nothing".to_string());
        }
        if !self.closed {
            return;
        }
        let part = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
        for name in ty.split(part).filter(|name| !name.is_empty()) {
            let number = name.bytes().all(|b| b.is_ascii_digit());
            if !number && !self.types.contains(name) {
                self.add(key, format!("the type `{name}` is declared nowhere"));
            }
        }
    }
}
