//! `.proto` files to facts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use pjrt_codegen::diag::Diagnostic;
use pjrt_codegen::protos::{Enumeration, Field, File, Label, MessageFacts, Protos, Source};
use pjrt_codegen::schema::sha256;
use protox::Compiler;
use protox::file::{self, FileResolver, GoogleFileResolver};
use protox::prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax};

use super::edition::{Rewritten, rewrite};
use super::tree::Tree;

/// Version of the parser, which brings the files of `google/protobuf`.
const BUNDLED: &str = "as in protox 0.10";

type Opened = Rc<RefCell<BTreeMap<String, (Rewritten, Source)>>>;

/// Gives the parser each file in a syntax that it knows, and keeps what was taken out.
struct Files {
    tree: Tree,
    opened: Opened,
}

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> Result<file::File, protox::Error> {
        if name.starts_with("google/protobuf/") {
            let file = GoogleFileResolver::new().open_file(name)?;
            let source = Source {
                repository: "protocolbuffers/protobuf".to_owned(),
                revision: BUNDLED.to_owned(),
                sha256: sha256(file.source().unwrap_or_default().as_bytes()),
            };
            let kept = (Rewritten::default(), source);
            self.opened.borrow_mut().insert(name.to_owned(), kept);
            return Ok(file);
        }
        let (text, source) = self.tree.read(name).map_err(protox::Error::new)?;
        let rewritten = rewrite(&text)
            .map_err(|problem| protox::Error::new(Diagnostic::new("P011", name, problem)))?;
        let file = file::File::from_source(name, &rewritten.text)?;
        let kept = (rewritten, source);
        self.opened.borrow_mut().insert(name.to_owned(), kept);
        Ok(file)
    }
}

/// The facts of files and of all that they import.
///
/// # Errors
///
/// Files that cannot be read or parsed.
pub fn read(tree: Tree, paths: &[&str]) -> Result<Protos, Diagnostic> {
    let opened = Opened::default();
    let mut compiler = Compiler::with_file_resolver(Files {
        tree,
        opened: Rc::clone(&opened),
    });
    for path in paths {
        compiler.open_file(path).map_err(|error| {
            Diagnostic::new("P012", *path, format!("{error:?}"))
                .help("the file and its imports must be below the tree's root")
        })?;
    }
    let opened = opened.borrow();
    let pool = compiler.descriptor_pool();
    let files = pool.files().map(|file| {
        let (rewritten, source) = opened.get(file.name()).cloned().unwrap_or_default();
        let mut facts = File {
            path: file.name().to_owned(),
            source,
            package: file.package_name().to_owned(),
            syntax: match file.syntax() {
                Syntax::Proto2 => "proto2".to_owned(),
                Syntax::Proto3 => "proto3".to_owned(),
            },
            ..File::default()
        };
        let explicit = rewritten.explicit();
        if let Some(edition) = rewritten.edition {
            facts.syntax = edition;
            facts.features = rewritten.features;
        }
        for one in file.enums() {
            facts.enums.push(enumeration(&one));
        }
        for one in file.messages() {
            message(&one, explicit, &mut facts);
        }
        facts
    });
    Ok(Protos {
        files: files.collect(),
    })
}

fn message(one: &MessageDescriptor, explicit: bool, facts: &mut File) {
    // The entry of a map is told by the field.
    if one.is_map_entry() {
        return;
    }
    let last = |end: u32| number(end.saturating_sub(1));
    let mut fields: Vec<FieldDescriptor> = one.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    facts.messages.push(MessageFacts {
        name: format!(".{}", one.full_name()),
        fields: fields.iter().map(|f| field(f, explicit)).collect(),
        reserved: one
            .reserved_ranges()
            .map(|r| (number(r.start), last(r.end)))
            .collect(),
        reserved_names: one.reserved_names().map(str::to_owned).collect(),
    });
    for nested in one.child_enums() {
        facts.enums.push(enumeration(&nested));
    }
    for nested in one.child_messages() {
        message(&nested, explicit, facts);
    }
}

fn enumeration(one: &EnumDescriptor) -> Enumeration {
    Enumeration {
        name: format!(".{}", one.full_name()),
        values: one
            .values()
            .map(|v| (v.name().to_owned(), v.number()))
            .collect(),
        reserved: one
            .reserved_ranges()
            .map(|r| (*r.start(), *r.end()))
            .collect(),
        reserved_names: one.reserved_names().map(str::to_owned).collect(),
    }
}

fn field(one: &FieldDescriptor, explicit: bool) -> Field {
    let kind = one.kind();
    let group = one.containing_oneof().filter(|group| !group.is_synthetic());
    let (ty, label) = match (&kind, group) {
        (Kind::Message(entry), _) if one.is_map() => (
            type_name(&entry.map_entry_value_field().kind()),
            Label::Map(type_name(&entry.map_entry_key_field().kind())),
        ),
        (kind, Some(group)) => (type_name(kind), Label::OneOf(group.name().to_owned())),
        (kind, None) => {
            let message = matches!(kind, Kind::Message(_));
            let label = if one.is_list() {
                Label::Repeated {
                    packed: one.is_packed(),
                }
            } else if !message && (explicit || one.supports_presence()) {
                Label::Explicit
            } else {
                Label::Implicit
            };
            (type_name(kind), label)
        }
    };
    let options = one.field_descriptor_proto().options.as_ref();
    Field {
        number: number(one.number()),
        name: one.name().to_owned(),
        ty,
        label,
        deprecated: options.is_some_and(|options| options.deprecated()),
    }
}

fn type_name(kind: &Kind) -> String {
    let scalar = match kind {
        Kind::Message(message) => return format!(".{}", message.full_name()),
        Kind::Enum(one) => return format!(".{}", one.full_name()),
        Kind::Double => "double",
        Kind::Float => "float",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Uint32 => "uint32",
        Kind::Uint64 => "uint64",
        Kind::Sint32 => "sint32",
        Kind::Sint64 => "sint64",
        Kind::Fixed32 => "fixed32",
        Kind::Fixed64 => "fixed64",
        Kind::Sfixed32 => "sfixed32",
        Kind::Sfixed64 => "sfixed64",
        Kind::Bool => "bool",
        Kind::String => "string",
        Kind::Bytes => "bytes",
    };
    scalar.to_owned()
}

/// Numbers of fields have 29 bits.
fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
