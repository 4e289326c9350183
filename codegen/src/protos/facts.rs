//! What a `.proto` file declares.

use std::collections::BTreeMap;

/// Where a file came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Repository, `owner/name`, or the package that brought the file.
    pub repository: String,
    /// Commit or version; empty for a folder without one.
    pub revision: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// One `.proto` file: the declarations that the chosen messages reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Path in the repository.
    pub path: String,
    /// Where it came from.
    pub source: Source,
    /// Package of its declarations.
    pub package: String,
    /// `proto2`, `proto3` or the year of an edition.
    pub syntax: String,
    /// Features that the file sets for all that it declares, by name.
    pub features: BTreeMap<String, String>,
    /// Messages, nested ones too, in the order of the file.
    pub messages: Vec<MessageFacts>,
    /// Enums, nested ones too, in the order of the file.
    pub enums: Vec<Enumeration>,
}

/// A message. Names are full and begin with a dot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFacts {
    /// Name.
    pub name: String,
    /// Fields in the order of the file.
    pub fields: Vec<Field>,
    /// Numbers that are not to be used again: first and last.
    pub reserved: Vec<(i32, i32)>,
    /// Names that are not to be used again.
    pub reserved_names: Vec<String>,
}

/// How often a field may stand, and what its absence means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// Once; absent means the default value.
    Implicit,
    /// Once; absent is told from the default value.
    Explicit,
    /// Once, as one of the fields of this group.
    OneOf(String),
    /// Any number of times.
    Repeated {
        /// Numbers stand in one record.
        packed: bool,
    },
    /// Keys of this scalar type, each with a value.
    Map(String),
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Number.
    pub number: i32,
    /// Name.
    pub name: String,
    /// Scalar type, or full name of a message or enum; of a map, the type of the values.
    pub ty: String,
    /// How often it may stand.
    pub label: Label,
    /// Not to be used any more.
    pub deprecated: bool,
}

/// An enum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enumeration {
    /// Name.
    pub name: String,
    /// Names and numbers in the order of the file.
    pub values: Vec<(String, i32)>,
    /// Numbers that are not to be used again: first and last.
    pub reserved: Vec<(i32, i32)>,
    /// Names that are not to be used again.
    pub reserved_names: Vec<String>,
}

/// All files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protos {
    /// Files by path.
    pub files: Vec<File>,
}

impl Protos {
    /// The message of a name, and its file.
    pub fn message(&self, name: &str) -> Option<(&File, &MessageFacts)> {
        self.files.iter().find_map(|file| {
            let found = file.messages.iter().find(|message| message.name == name)?;
            Some((file, found))
        })
    }

    /// The enum of a name, and its file.
    pub fn enumeration(&self, name: &str) -> Option<(&File, &Enumeration)> {
        self.files.iter().find_map(|file| {
            let found = file.enums.iter().find(|one| one.name == name)?;
            Some((file, found))
        })
    }

    /// Whether a message holds another one, or itself, however deep.
    pub fn reaches(&self, from: &str, to: &str) -> bool {
        let mut open = vec![from];
        let mut seen = Vec::new();
        while let Some(name) = open.pop() {
            let Some((_, message)) = self.message(name) else {
                continue;
            };
            for field in &message.fields {
                if field.ty == to {
                    return true;
                }
                if field.ty.starts_with('.') && !seen.contains(&field.ty.as_str()) {
                    seen.push(&field.ty);
                    open.push(&field.ty);
                }
            }
        }
        false
    }

    /// Keeps the declarations that the named messages reach, and the files that have any.
    pub fn keep(&mut self, roots: &[&str]) {
        let mut wanted: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
        let mut at = 0;
        while let Some(name) = wanted.get(at).cloned() {
            at += 1;
            let reached = self.message(&name).into_iter().flat_map(|(_, m)| &m.fields);
            let reached: Vec<String> = reached
                .map(|field| field.ty.clone())
                .filter(|ty| ty.starts_with('.') && !wanted.contains(ty))
                .collect();
            for name in reached {
                if !wanted.contains(&name) {
                    wanted.push(name);
                }
            }
        }
        for file in &mut self.files {
            file.messages.retain(|m| wanted.contains(&m.name));
            file.enums.retain(|e| wanted.contains(&e.name));
        }
        self.files
            .retain(|file| !file.messages.is_empty() || !file.enums.is_empty());
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

/// What a file declares, a line for each field, value and reserved range, by a name.
pub fn declarations(file: &File) -> Vec<(String, String)> {
    let mut lines = vec![(
        file.path.clone(),
        format!("{} {} {:?}", file.syntax, file.package, file.features),
    )];
    for message in &file.messages {
        lines.push((message.name.clone(), "message".to_owned()));
        reserved(
            &message.name,
            &message.reserved,
            &message.reserved_names,
            &mut lines,
        );
        for field in &message.fields {
            let old = if field.deprecated { " deprecated" } else { "" };
            let line = format!("{} = {} {:?}{old}", field.ty, field.number, field.label);
            lines.push((format!("{}.{}", message.name, field.name), line));
        }
    }
    for one in &file.enums {
        lines.push((one.name.clone(), "enum".to_owned()));
        reserved(&one.name, &one.reserved, &one.reserved_names, &mut lines);
        for (name, number) in &one.values {
            lines.push((format!("{}.{name}", one.name), number.to_string()));
        }
    }
    lines
}

fn reserved(of: &str, ranges: &[(i32, i32)], names: &[String], lines: &mut Vec<(String, String)>) {
    let ranges = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    });
    for what in ranges.chain(names.iter().cloned()) {
        lines.push((format!("{of} {what}"), "reserved".to_owned()));
    }
}
