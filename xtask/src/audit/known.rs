//! What the checked-in files know: the history of the headers, the model, the extensions.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pjrt_codegen::diag::{Diagnostic, Diagnostics};
use pjrt_codegen::diff::Methods;
use pjrt_codegen::history::{History, StructBody, read_file};
use pjrt_codegen::model::gates::{Row, Verdict};
use pjrt_codegen::model::{self, API_TABLE, Model};
use pjrt_codegen::schema::{Schema, Struct, load_file};

use super::fact::NODE;
use crate::paths;

/// The oldest minor whose plugins `pjrt` takes, where the overlay does not say.
const OLDEST: u32 = 40;

/// All of it.
pub struct Known {
    /// Every version of the headers.
    pub history: History,
    /// Today's facts and the judgements.
    pub model: Model,
    /// The safe methods by C function.
    pub methods: Methods,
    /// Vendors' headers.
    pub vendors: Vec<Schema>,
}

/// A table as one version has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Its size.
    pub size: u64,
    /// The header's own constant, which the plugin is to report.
    pub said: u64,
    /// Slots: name and offset, functions and pointers, one word each.
    pub slots: Vec<(String, u64)>,
}

/// An extension.
pub struct Extension {
    /// Its name.
    pub name: String,
    /// The layout that fits the plugin best; none where no header of its version has it.
    pub layout: Option<Layout>,
    /// Every size that a header of the plugin's version says; today's for newer plugins.
    pub sizes: BTreeSet<u64>,
}

impl Known {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is at fault.
    pub fn load(schemas: &[PathBuf]) -> Result<Self, Diagnostics> {
        // Reading the two large files is what takes time.
        let (history, model) = std::thread::scope(|scope| {
            let model = scope.spawn(read_model);
            (read_file(&paths::history()), model.join())
        });
        let history = history?;
        let model = model.map_err(|_| fault("the model could not be read".to_owned()))??;
        let vendors = schemas.iter().map(|path| load_file(path));
        Ok(Self {
            methods: Methods::of(&model),
            vendors: vendors.collect::<Result<_, _>>()?,
            history,
            model,
        })
    }

    /// The newest recorded minor.
    pub fn newest(&self) -> u32 {
        self.history.minors().last().copied().unwrap_or(0)
    }

    /// The oldest minor that `pjrt` takes.
    pub fn oldest(&self) -> u32 {
        self.model.oldest(API_TABLE).unwrap_or(OLDEST)
    }

    /// The states of a table that a plugin's minor and size agree with; for a newer plugin, today's.
    fn states(&self, table: &str, minor: u32, size: u64) -> Vec<usize> {
        let of_minor = self.history.consistent(table, minor, size);
        if of_minor.is_empty() && minor > self.newest() {
            let last = self.history.states.len().checked_sub(1);
            let there = |state: &usize| {
                let item = self.history.structure(table);
                item.is_some_and(|item| item.at(*state).is_some())
            };
            return last.filter(there).into_iter().collect();
        }
        of_minor
    }

    /// The layout of a table in a plugin of a minor that reports a size.
    pub fn layout(&self, table: &str, minor: u32, size: u64) -> Option<Layout> {
        let state = *self.states(table, minor, size).last()?;
        let head = if table == API_TABLE { 40 } else { NODE as u64 };
        let body = self.history.structure(table)?.at(state)?;
        Some(Layout {
            size: body.size,
            said: body.struct_size.unwrap_or(body.size),
            slots: slots(body, head),
        })
    }

    /// Every size that headers of a minor say of a table, the constant or `sizeof`.
    pub fn sizes(&self, table: &str, minor: u32) -> BTreeSet<u64> {
        let item = self.history.structure(table);
        // No header says 0, so all of the minor agree with it equally.
        let states = self.states(table, minor, 0);
        let bodies = states.iter().filter_map(|state| item?.at(*state));
        bodies
            .flat_map(|body| [body.struct_size.unwrap_or(body.size), body.size])
            .collect()
    }

    /// The constants alone, which plugins are to report.
    pub fn constants(&self, table: &str, minor: u32) -> BTreeSet<u64> {
        let item = self.history.structure(table);
        let states = self.states(table, minor, 0);
        let bodies = states.iter().filter_map(|state| item?.at(*state));
        bodies
            .map(|body| body.struct_size.unwrap_or(body.size))
            .collect()
    }

    /// The extension of a number: upstream's, else a vendor's.
    pub fn extension(&self, number: u64, minor: u32, size: u64) -> Option<Extension> {
        let headers = || self.model.facts.headers.iter();
        let of_number = |e: &&pjrt_codegen::schema::Extension| u64::from(e.number) == number;
        let own = headers()
            .filter_map(|h| h.extension.as_ref())
            .find(of_number);
        if let Some(own) = own {
            return Some(Extension {
                name: own.name.clone(),
                layout: self.layout(&own.table, minor, size),
                sizes: self.sizes(&own.table, minor),
            });
        }
        let named = self.vendor(number);
        named.or_else(|| self.value(number))
    }

    /// A vendor's, whose header has one version.
    fn vendor(&self, number: u64) -> Option<Extension> {
        let headers = self.vendors.iter().flat_map(|schema| &schema.headers);
        let mut with = headers.filter_map(|h| Some((h, h.extension.as_ref()?)));
        let (header, own) = with.find(|(_, e)| u64::from(e.number) == number)?;
        let table = header.structs.iter().find(|s| s.name == own.table)?;
        let said = table.struct_size.unwrap_or(table.size);
        Some(Extension {
            name: own.name.clone(),
            layout: Some(Layout {
                size: table.size,
                said,
                slots: slots_of(table),
            }),
            sizes: BTreeSet::from([said, table.size]),
        })
    }

    /// A number that has a name and no table: of the enumeration alone.
    fn value(&self, number: u64) -> Option<Extension> {
        let item = self.history.enumeration("PJRT_Extension_Type")?;
        let number = i64::try_from(number).ok()?;
        let (name, _) = item.newest()?.values.iter().find(|(_, n)| *n == number)?;
        let name = name.strip_prefix("PJRT_Extension_Type_").unwrap_or(name);
        // The last value of some versions marks the end.
        (!name.eq_ignore_ascii_case("unknown")).then(|| Extension {
            name: name.to_owned(),
            layout: None,
            sizes: BTreeSet::new(),
        })
    }

    /// What a plugin has of an item, as `pjrt` decides.
    pub fn verdict(&self, item: &str, minor: u32, reported: u64, ours: u64) -> Option<Verdict> {
        let newest = self.newest();
        let newer = minor > newest || (minor == newest && reported > ours);
        let minor = if newer {
            newest.saturating_add(1)
        } else {
            minor
        };
        let rows = self.model.versions.gates.of(item);
        let own = |row: &&Row| {
            row.minor == minor && u64::from(row.reported) == reported && row.reported != 0
        };
        let any = |row: &&Row| row.minor <= minor && row.reported == 0;
        let found = rows.iter().find(own).or_else(|| rows.iter().rfind(any));
        found.map(|row| row.verdict)
    }
}

fn slots(body: &StructBody, head: u64) -> Vec<(String, u64)> {
    let fields = body.fields.iter();
    let words = fields.filter(|f| f.offset >= head && f.size == 8);
    words.map(|f| (f.name.clone(), f.offset)).collect()
}

fn slots_of(table: &Struct) -> Vec<(String, u64)> {
    let fields = table.fields.iter();
    let words = fields.filter(|f| f.offset >= NODE as u64 && f.size == 8);
    words.map(|f| (f.name.clone(), f.offset)).collect()
}

fn read_model() -> Result<Model, Diagnostics> {
    let path = paths::root().join(pjrt_codegen::derived::MODEL);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| fault(format!("cannot read {}: {error}", path.display())))?;
    model::from_json(&text)
}

fn fault(message: String) -> Diagnostic {
    Diagnostic::new("X060", "audit", message)
}
