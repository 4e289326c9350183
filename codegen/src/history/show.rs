//! One item for people and for programs.

use serde_json::{Map, Value, json};

use super::minors::Minors;
use super::types::*;

/// What is shown of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Name.
    pub name: String,
    /// `function`, `struct`, `enum`, `callback`, `extension`.
    pub kind: &'static str,
    /// Module.
    pub module: String,
    /// Minors.
    pub minors: Minors,
    /// Fields, or values, of today; those of a function are its arguments'.
    pub parts: Vec<Part>,
    /// Those that are gone.
    pub removed: Vec<Part>,
    /// Sizes, for each minor where they are not those of the minor before.
    pub sizes: Vec<Size>,
    /// Older names, and the minor that renamed them.
    pub older: Vec<(String, u32)>,
}

/// A field or a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Name.
    pub name: String,
    /// Minors.
    pub minors: Minors,
    /// Offset of a field, number of a value.
    pub place: i64,
}

/// Sizes in a minor; a minor with two layouts has two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// Minor.
    pub minor: u32,
    /// `sizeof`.
    pub size_of: u64,
    /// The header's own constant.
    pub struct_size: Option<u64>,
}

impl History {
    /// Looks up a function, struct, enumeration, type of callback or extension; `PJRT_` may be left
    /// out, an extension is named by its module or its table, and older names are understood.
    pub fn show(&self, name: &str) -> Option<Shown> {
        let long = format!("PJRT_{name}");
        let renamed = self
            .renamed
            .iter()
            .find(|r| r.what == "type" && r.from == name);
        let newer = renamed.map_or("", |r| r.to.as_str());
        [name, &long, newer]
            .into_iter()
            .find_map(|name| self.exact(name))
            .or_else(|| self.extension(name))
    }

    /// Names that are like this one, for an error.
    pub fn similar(&self, name: &str) -> Vec<&str> {
        let wanted = name.to_ascii_lowercase();
        let structs = self.structs.iter().map(|i| i.name.as_str());
        let enums = self.enums.iter().map(|i| i.name.as_str());
        let functions = self.functions.iter().map(|i| i.name.as_str());
        let modules = self.modules.iter().map(|m| m.name.as_str());
        let all = functions.chain(structs).chain(enums).chain(modules);
        let like = all.filter(|known| known.to_ascii_lowercase().contains(&wanted));
        like.take(8).collect()
    }

    fn exact(&self, name: &str) -> Option<Shown> {
        if let Some(item) = self.function(name) {
            let minors = self.function_minors(item)?;
            let args = item.newest()?.args.as_deref();
            let args = args.and_then(|args| self.structure(args));
            let mut shown = self.shown(item, "function", minors);
            if let Some(args) = args {
                self.fields(args, &mut shown);
            }
            return Some(shown);
        }
        if let Some(item) = self.structure(name) {
            return self.shown_struct(item, "struct");
        }
        if let Some(item) = self.enumeration(name) {
            let mut shown = self.shown(item, "enum", self.enum_minors(item)?);
            for (name, minors) in self.value_minors(item) {
                let bodies = item.versions.iter().rev().filter_map(|v| v.body.as_ref());
                let mut values = bodies.flat_map(|body| &body.values);
                let number = values
                    .find(|(value, _)| value == name)
                    .map_or(0, |(_, n)| *n);
                shown.part(name, minors, number);
            }
            shown.sizes = self.sizes(item, |e| (u64::from(e.size), None));
            return Some(shown);
        }
        let item = self.callback(name)?;
        Some(self.shown(item, "callback", self.callback_minors(item)?))
    }

    fn extension(&self, name: &str) -> Option<Shown> {
        let fold = |text: &str| {
            let text = text.trim_start_matches("PJRT_Extension_Type_");
            text.replace('_', "").to_ascii_lowercase()
        };
        let wanted = fold(name);
        let tables = self.structs.iter().filter(|item| {
            let kind = item.newest().map(|body| body.kind.as_str());
            kind == Some("extension_table")
        });
        let mut matching = tables.filter(|item| {
            let short = item.name.trim_start_matches("PJRT_");
            let short = short.trim_end_matches("_Extension");
            fold(&item.module) == wanted || fold(short) == wanted
        });
        self.shown_struct(matching.next()?, "extension")
    }

    fn shown<T>(&self, item: &Item<T>, kind: &'static str, minors: Minors) -> Shown {
        let mut older = Vec::new();
        for renamed in self.renamed.iter().filter(|r| r.what == "type") {
            if renamed.to == item.name
                && let Some(minor) = self.renamed_in(item, renamed)
            {
                older.push((renamed.from.clone(), minor));
            }
        }
        Shown {
            name: item.name.clone(),
            kind,
            module: item.module.clone(),
            minors,
            parts: Vec::new(),
            removed: Vec::new(),
            sizes: Vec::new(),
            older,
        }
    }

    fn renamed_in<T>(&self, item: &Item<T>, renamed: &Renamed) -> Option<u32> {
        let (state, _) = renamed.at.first()?;
        self.minor_of(&item.module, *state)
    }

    fn shown_struct(&self, item: &Item<StructBody>, kind: &'static str) -> Option<Shown> {
        let mut shown = self.shown(item, kind, self.struct_minors(item)?);
        self.fields(item, &mut shown);
        Some(shown)
    }

    fn fields(&self, item: &Item<StructBody>, shown: &mut Shown) {
        for (name, minors) in self.field_minors(item) {
            let bodies = item.versions.iter().rev().filter_map(|v| v.body.as_ref());
            let mut fields = bodies.flat_map(|body| &body.fields);
            let offset = fields.find(|f| f.name == name).map_or(0, |f| f.offset);
            shown.part(name, minors, i64::try_from(offset).unwrap_or(i64::MAX));
        }
        shown.sizes = self.sizes(item, |s| (s.size, s.struct_size));
    }

    fn sizes<T>(&self, item: &Item<T>, size: impl Fn(&T) -> (u64, Option<u64>)) -> Vec<Size> {
        let mut by_minor: std::collections::BTreeMap<u32, Vec<(u64, Option<u64>)>> =
            Default::default();
        for state in 0..self.states.len() {
            if let (Some(body), Some(minor)) = (item.at(state), self.minor_of(&item.module, state))
            {
                let found = by_minor.entry(minor).or_default();
                let size = size(body);
                if !found.contains(&size) {
                    found.push(size);
                }
            }
        }
        let mut before: &[_] = &[];
        let mut sizes = Vec::new();
        for (minor, found) in &by_minor {
            if found != before {
                sizes.extend(found.iter().map(|(size_of, struct_size)| Size {
                    minor: *minor,
                    size_of: *size_of,
                    struct_size: *struct_size,
                }));
            }
            before = found;
        }
        sizes
    }
}

impl Shown {
    fn part(&mut self, name: &str, minors: Minors, place: i64) {
        // What went away with the whole is still one of its parts.
        let gone = minors.removed.is_some() && minors.removed != self.minors.removed;
        let list = if gone {
            &mut self.removed
        } else {
            &mut self.parts
        };
        list.push(Part {
            name: name.to_string(),
            minors,
            place,
        });
    }

    fn place(&self) -> &'static str {
        if self.kind == "enum" {
            "value"
        } else {
            "offset"
        }
    }

    /// One object.
    pub fn to_json(&self) -> Value {
        let part = |part: &Part| {
            let mut map = object(&part.name, &part.minors);
            map.insert(self.place().to_string(), json!(part.place));
            Value::Object(map)
        };
        let mut map = object(&self.name, &self.minors);
        map.insert("kind".to_string(), json!(self.kind));
        map.insert("module".to_string(), json!(self.module));
        map.insert("removed".to_string(), json!(self.minors.removed));
        let fields: Vec<Value> = self.parts.iter().map(part).collect();
        map.insert("fields".to_string(), json!(fields));
        if !self.removed.is_empty() {
            let removed: Vec<Value> = self.removed.iter().map(part).collect();
            map.insert("removed_fields".to_string(), json!(removed));
        }
        let size = |s: &Size| json!({ "minor": s.minor, "size_of": s.size_of, "struct_size": s.struct_size });
        let sizes: Vec<Value> = self.sizes.iter().map(size).collect();
        map.insert("sizes".to_string(), json!(sizes));
        if !self.older.is_empty() {
            let older = self.older.iter();
            let older: Vec<Value> = older
                .map(|(name, minor)| json!({ "name": name, "until": minor }))
                .collect();
            map.insert("older_names".to_string(), json!(older));
        }
        Value::Object(map)
    }

    /// A few lines.
    pub fn to_text(&self) -> String {
        let of = if self.module == FFI { "FFI 0." } else { "0." };
        let minor = |minor: Option<u32>| match minor {
            Some(minor) => format!("{of}{minor}"),
            None => "-".to_string(),
        };
        let mut out = format!("{}: {} of {}\n", self.name, self.kind, self.module);
        for (name, until) in &self.older {
            out.push_str(&format!("  called {name} before {of}{until}\n"));
        }
        out.push_str(&format!(
            "  since {of}{}, in every commit from {}, laid out as today from {}",
            self.minors.since,
            minor(self.minors.safe_since),
            minor(self.minors.layout_since)
        ));
        if let Some(removed) = self.minors.removed {
            out.push_str(&format!(", removed in {of}{removed}"));
        }
        out.push('\n');
        let all = self.parts.iter().chain(&self.removed);
        if !self.parts.is_empty() {
            out.push_str(&format!(
                "\n  {:>8} {:>8} {:>8}\n",
                self.place(),
                "since",
                "every"
            ));
        }
        for part in all {
            let gone = part.minors.removed.map(|r| format!(", until {of}{r}"));
            out.push_str(&format!(
                "  {:>8} {:>8} {:>8}  {}{}\n",
                part.place,
                minor(Some(part.minors.since)),
                minor(part.minors.safe_since),
                part.name,
                gone.unwrap_or_default()
            ));
        }
        if !self.sizes.is_empty() {
            out.push_str(&format!(
                "\n  {:>8} {:>8} {:>12}\n",
                "from", "sizeof", "STRUCT_SIZE"
            ));
        }
        for size in &self.sizes {
            let own = size
                .struct_size
                .map_or("-".to_string(), |size| size.to_string());
            let from = minor(Some(size.minor));
            out.push_str(&format!("  {from:>8} {:>8} {own:>12}\n", size.size_of));
        }
        out
    }
}

fn object(name: &str, minors: &Minors) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("name".to_string(), json!(name));
    map.insert("since".to_string(), json!(minors.since));
    map.insert("safe_since".to_string(), json!(minors.safe_since));
    map.insert("layout_since".to_string(), json!(minors.layout_since));
    if let Some(removed) = minors.removed {
        map.insert("removed".to_string(), json!(removed));
    }
    map
}
