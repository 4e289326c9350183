//! The table of functions, held against what headers of its version have.

use pjrt_codegen::model::API_TABLE;
use pjrt_codegen::model::gates::Verdict;

use super::fact::{HEAD, Heard, LARGEST};
use super::finding::{Finding, names};
use super::known::Known;

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A function.
    Present,
    /// Nothing.
    Null,
    /// Something that is no code.
    Broken,
    /// The table ends before it.
    Absent,
    /// A slot that no recorded header has.
    Unknown,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Null => "null",
            Self::Broken => "broken",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
        }
    }

    /// What a letter of the facts is.
    pub fn of(letter: char) -> Self {
        match letter {
            'c' => Self::Present,
            '0' => Self::Null,
            _ => Self::Broken,
        }
    }
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The size that headers of its version say; none for versions that are not recorded.
    pub expected: Option<u64>,
    /// Functions and what is in their slots: those of its version, of today, unknown ones.
    pub functions: Vec<(String, Status)>,
    /// Whether functions stand where they stand today.
    pub moved: bool,
}

impl Table {
    /// What is in a function's slot.
    pub fn status(&self, function: &str) -> Status {
        let found = self.functions.iter().find(|(name, _)| name == function);
        found.map_or(Status::Absent, |(_, status)| *status)
    }

    /// How many slots are so.
    pub fn count(&self, status: Status) -> usize {
        self.functions.iter().filter(|(_, s)| *s == status).count()
    }

    /// The slots that are so.
    pub fn named(&self, status: Status) -> Vec<&str> {
        let of = self.functions.iter().filter(|(_, s)| *s == status);
        of.map(|(name, _)| name.as_str()).collect()
    }
}

/// Judges the table; none if there is none to judge.
pub fn judge(known: &Known, heard: &Heard, found: &mut Vec<Finding>) -> Option<Table> {
    if let Some(fault) = &heard.table_fault {
        found.push(no_table(fault));
        return None;
    }
    let size = heard.size?;
    let largest = LARGEST as u64;
    if !(HEAD as u64..=largest).contains(&size) {
        let text = format!(
            "PJRT_Api.struct_size: expected {HEAD} to {largest} bytes, got {size}; set it to \
             PJRT_Api_STRUCT_SIZE of the header that the plugin is built with"
        );
        found.push(Finding::fatal("table-size", text));
    }
    let (major, minor, version_size) = heard.version?;
    if version_size != 24 {
        let text = format!(
            "PJRT_Api_Version.struct_size: expected 24, got {version_size}; set it to \
             PJRT_Api_Version_STRUCT_SIZE"
        );
        found.push(Finding::wrong("version-size", text));
    }
    if size > largest {
        return None;
    }
    if major != 0 {
        let text = format!(
            "API version: expected major 0, got {major}.{minor}; nothing else is known of it: use \
             a plugin of major 0"
        );
        found.push(Finding::fatal("version-major", text));
        return None;
    }
    let number = u32::try_from(minor).unwrap_or(0);
    let oldest = known.oldest();
    if minor < i64::from(oldest) {
        let text = format!(
            "API version: expected 0.{oldest} or newer, got 0.{minor}; `pjrt` refuses it: get a \
             newer plugin"
        );
        found.push(Finding::fatal("version-old", text));
    }
    let table = slots(known, heard, number, size, found);
    tell(known, &table, number, size, found);
    Some(table)
}

fn no_table(fault: &str) -> Finding {
    let (code, got) = match fault {
        "null" => ("table-null", "null"),
        "misaligned" => ("table-pointer", "an address that is no multiple of 8"),
        _ => ("table-pointer", "an address without memory"),
    };
    let text = format!(
        "GetPjrtApi: expected a pointer to a table that stays, got {got}; return the address of a \
         static PJRT_Api (some plugins give null when something that they need is missing)"
    );
    Finding::fatal(code, text)
}

/// Every slot, by the layout that minor and size agree with.
fn slots(known: &Known, heard: &Heard, minor: u32, size: u64, found: &mut Vec<Finding>) -> Table {
    let layout = known.layout(API_TABLE, minor, size).unwrap_or_default();
    let today = known.layout(API_TABLE, known.newest().saturating_add(1), size);
    let today = today.unwrap_or_default();
    let after = heard.slots_after.as_ref();
    if let Some(after) = after.filter(|after| **after != heard.slots) {
        let other = heard
            .slots
            .chars()
            .zip(after.chars())
            .filter(|(a, b)| a != b);
        let text = format!(
            "PJRT_Plugin_Initialize changed {} slots of the table; read the table after it, as \
             `pjrt` does",
            other.count()
        );
        found.push(Finding::note("table-changes", text));
    }
    let letters: Vec<char> = after.unwrap_or(&heard.slots).chars().collect();
    let at = |offset: u64| {
        let index = usize::try_from(offset).ok()?.checked_sub(HEAD)? / 8;
        letters.get(index).copied()
    };
    let mut table = Table {
        expected: (minor <= known.newest() && layout.said > 0).then_some(layout.said),
        moved: known.verdict(API_TABLE, minor, size, today.size) == Some(Verdict::Incompatible),
        ..Table::default()
    };
    for (name, offset) in &layout.slots {
        let status = at(*offset).map_or(Status::Absent, Status::of);
        table.functions.push((name.clone(), status));
    }
    for (name, _) in &today.slots {
        if !table.functions.iter().any(|(other, _)| other == name) {
            table.functions.push((name.clone(), Status::Absent));
        }
    }
    let end = layout.size.max(HEAD as u64);
    let size = size.min(heard.readable.unwrap_or(size));
    for offset in (end..size / 8 * 8).step_by(8) {
        table
            .functions
            .push((format!("(offset {offset})"), Status::Unknown));
    }
    if let (Some(readable), Some(size)) = (heard.readable, heard.size) {
        let text = format!(
            "PJRT_Api.struct_size: expected as many bytes as the table has, got {size} where {readable} \
             can be read; set it to PJRT_Api_STRUCT_SIZE"
        );
        found.push(Finding::fatal("table-short", text));
    }
    table
}

fn tell(known: &Known, table: &Table, minor: u32, size: u64, found: &mut Vec<Finding>) {
    let newest = known.newest();
    let constants: Vec<String> = known
        .constants(API_TABLE, minor)
        .iter()
        .map(u64::to_string)
        .collect();
    let recorded = known.sizes(API_TABLE, minor);
    if minor > newest {
        let text = format!(
            "API version: 0.{minor} is newer than the headers here (0.{newest}); what is new in it \
             has no name here: `cargo xtask bump` takes newer headers"
        );
        found.push(Finding::note("version-newer", text));
        let today = known
            .layout(API_TABLE, minor, size)
            .unwrap_or_default()
            .said;
        if size < today {
            let text = format!(
                "PJRT_Api.struct_size: expected at least the {today} bytes of 0.{newest}, got {size} at \
                 0.{minor}; set it to PJRT_Api_STRUCT_SIZE of the header"
            );
            found.push(Finding::wrong("size-unexpected", text));
        }
    } else if recorded.is_empty() {
        let text = format!(
            "API version: no recorded header has 0.{minor}; its slots cannot be named: `cargo xtask \
             history build` reads more headers"
        );
        found.push(Finding::wrong("version-unknown", text));
    } else if !recorded.contains(&size) {
        let text = format!(
            "PJRT_Api.struct_size: expected {} for 0.{minor}, got {size}; set size and version from \
             one header (PJRT_Api_STRUCT_SIZE, PJRT_API_MINOR)",
            constants.join(" or ")
        );
        found.push(Finding::wrong("size-unexpected", text));
    } else if constants.len() > 1 {
        let text = format!(
            "0.{minor} had several tables, of {} bytes; the size {size} tells which one this is",
            constants.join(" and ")
        );
        found.push(Finding::note("version-shared", text));
    }
    let real = known
        .layout(API_TABLE, minor, size)
        .unwrap_or_default()
        .size;
    if minor <= newest && recorded.contains(&size) && real > size {
        let text = format!(
            "headers of 0.{minor} say {size} bytes of a table that has {real}; the slots behind the \
             reported end are read too"
        );
        found.push(Finding::note("size-stale", text));
    }
    if table.moved {
        let text = format!(
            "the table of 0.{minor} with {size} bytes has functions in other places than every other \
             version; `pjrt` refuses it: get a plugin of another version"
        );
        found.push(Finding::fatal("layout-moved", text));
    }
    let null = table.named(Status::Null);
    if !null.is_empty() {
        let text = format!(
            "slots: expected functions, got null in {} ({}); set them to functions that report \
             UNIMPLEMENTED, for clients call without asking",
            null.len(),
            names(&null)
        );
        found.push(Finding::wrong("slot-null", text));
    }
    let broken = table.named(Status::Broken);
    if !broken.is_empty() {
        let text = format!(
            "slots: expected functions, got addresses without code in {} ({}); set all of them, and \
             the size from the same header",
            broken.len(),
            names(&broken)
        );
        found.push(Finding::wrong("slot-broken", text));
    }
    let absent = table.named(Status::Absent);
    if !absent.is_empty() {
        let text = format!(
            "{} functions of 0.{newest} are behind the table's end ({}); calls of them are errors \
             that say so: a newer plugin has them",
            absent.len(),
            names(&absent)
        );
        found.push(Finding::note("slots-absent", text));
    }
    let unknown = table.count(Status::Unknown);
    if unknown > 0 {
        let text = format!(
            "{unknown} slots from {} on are in no header here; they are left alone: `cargo xtask bump` \
             takes newer headers",
            table.named(Status::Unknown).first().unwrap_or(&"?")
        );
        found.push(Finding::note("slots-unknown", text));
    }
}
