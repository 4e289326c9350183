//! The texts of a set and what can be learnt from a declaration's place in them.

use std::collections::HashMap;
use std::path::Path;

use super::index::{Cursor, Spot};
use crate::headers::HeaderSet;

/// Texts by full path.
pub struct Sources<'s> {
    by_path: HashMap<String, (&'s str, &'s str)>,
}

impl<'s> Sources<'s> {
    /// The headers of a set.
    pub fn new(set: &'s HeaderSet) -> Self {
        let by_path = set
            .files
            .iter()
            .map(|file| {
                let full = full_path(&set.root, &file.path);
                (full, (file.module.as_str(), file.text.as_str()))
            })
            .collect();
        Self { by_path }
    }

    /// Adds a file that is in no set, by the name that libclang gives it.
    pub fn add(&mut self, full: &str, module: &'s str, text: &'s str) {
        self.by_path.insert(full.to_string(), (module, text));
    }

    /// Module of a file of the set.
    pub fn module_of(&self, file: &str) -> Option<&'s str> {
        self.by_path.get(file).map(|(module, _)| *module)
    }

    /// Text from a place on.
    pub fn text_from(&self, spot: &Spot) -> &'s str {
        let text = self.by_path.get(&spot.file).map(|(_, text)| *text);
        text.and_then(|text| text.get(spot.offset..)).unwrap_or("")
    }
}

/// How libclang will name a file of the set.
pub fn full_path(root: &Path, path: &str) -> String {
    root.join(path).to_string_lossy().into_owned()
}

/// The tag of a struct, union or enum, read from its text: compilers of different age answer
/// differently for untagged ones.
pub fn tag_of(sources: &Sources<'_>, declaration: Cursor<'_>) -> Option<String> {
    let start = declaration.start();
    let text = sources.text_from(&start);
    let keyword = ["struct", "enum", "union"]
        .into_iter()
        .find_map(|keyword| text.strip_prefix(keyword));
    let Some(rest) = keyword else {
        // Declared by a macro or outside of the set.
        return Some(declaration.name()).filter(|name| !name.is_empty());
    };
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("class").unwrap_or(rest).trim_start();
    let end = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    rest.get(..end)
        .filter(|tag| !tag.is_empty())
        .map(str::to_string)
}
