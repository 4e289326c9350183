//! A plugin as the calls see it: a copy of its table that is as long as ours.

use super::chain::Chain;
use super::gate::{Gate, Gated, History, Row, Verdict, Version, layout_since, since};
use super::guard;
use crate::raw::HISTORY;
use crate::sys;
use crate::{Error, Result};
use std::ffi::c_void;
use std::ptr::NonNull;

/// A C function, for errors.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// First minor version that has it; 0 where that is not recorded, or to be looked up.
    pub since: u32,
}

/// A loaded plugin. It lives as long as the process.
pub struct Api {
    /// Slots that the plugin does not have, or has otherwise, are null.
    table: sys::PJRT_Api,
    original: NonNull<sys::PJRT_Api>,
    version: Version,
    /// Sizes of arguments, by the number of the slot; unset where they were always as today.
    gates: Box<[Gate]>,
    /// What errors call the plugin.
    name: String,
    chain: Chain,
}

// SAFETY: the table is plain data that is never written after the start, and PJRT's functions may
// be called from any thread; the original is only handed out as a pointer.
unsafe impl Send for Api {}
// SAFETY: as above.
unsafe impl Sync for Api {}

/// Size of a slot.
const SLOT: usize = size_of::<*const c_void>();

impl Api {
    /// Copies the part of the table that the plugin has; none if the plugin's version lays the
    /// table out otherwise than ours.
    ///
    /// # Safety
    ///
    /// `original` points to a plugin's table, which is at least as long as the size it reports and
    /// as its version, and lives as long as the process.
    pub(crate) unsafe fn copy(original: NonNull<sys::PJRT_Api>, name: String) -> Option<Api> {
        let ours = size_of::<sys::PJRT_Api>();
        // SAFETY: the size is the first word of every table, and the version is within it.
        let (reported, minor) = unsafe {
            let version = &raw const (*original.as_ptr()).pjrt_api_version.minor_version;
            (original.cast::<usize>().read(), version.read())
        };
        let minor = u32::try_from(minor).unwrap_or(0);
        let version = Version::new(minor, reported, HISTORY.newest, ours);
        let mut table = sys::PJRT_Api::zeroed();
        // SAFETY: the table has the bytes that it reports, or those that all tables of its version
        // have that report as many; any bits are a valid slot.
        let gates = unsafe {
            copy_slots(
                original,
                version.end(HISTORY.ends)?,
                &mut table,
                version,
                &HISTORY,
            )
        };
        // SAFETY: the field is the plugin's own, or null if its table is that short.
        let chain = unsafe { Chain::read(table.extension_start, minor) };
        Some(Api {
            table,
            original,
            version,
            gates,
            name,
            chain,
        })
    }

    /// The table; functions that the plugin lacks are null.
    pub fn table(&self) -> &sys::PJRT_Api {
        &self.table
    }

    /// The plugin's own table.
    pub(crate) fn original(&self) -> NonNull<sys::PJRT_Api> {
        self.original
    }

    /// What errors call the plugin.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Version: major and minor.
    pub fn version(&self) -> (i32, i32) {
        let version = &self.table.pjrt_api_version;
        (version.major_version, version.minor_version)
    }

    /// Minor version.
    pub fn minor(&self) -> u32 {
        u32::try_from(self.table.pjrt_api_version.minor_version).unwrap_or(0)
    }

    /// The extensions.
    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The sizes of the arguments of the function in a slot that was not always as today.
    pub fn gate(&self, slot: usize) -> Gate {
        self.gates.get(slot).copied().unwrap_or_default()
    }

    /// The sizes of a struct that was not always as today, by its rows.
    ///
    /// # Errors
    ///
    /// The plugin's version lacks the struct, or lays it out otherwise.
    pub fn gate_of(&self, function: &Function, rows: &'static [Row]) -> Result<Gate> {
        match self.version.verdict(rows) {
            Verdict::Known(gate) => Ok(gate),
            _ => Err(self.refused(function, rows)),
        }
    }

    /// The error for a function that the plugin lacks, or has otherwise.
    #[cold]
    pub fn absent(&self, function: &Function) -> Error {
        let mut gates = HISTORY.gates.iter();
        let rows = gates
            .find(|gated| gated.name == function.name)
            .map(|gated| gated.rows);
        self.refused(function, rows.unwrap_or_default())
    }

    /// The error for an item that the plugin's version does not have as ours.
    #[cold]
    pub(crate) fn refused(&self, function: &Function, rows: &[Row]) -> Error {
        refused(self, function, self.version, rows)
    }

    /// The error for an input that the plugin is too old to know.
    #[cold]
    pub fn too_new(&self, function: &Function, field: &'static str, since: u32) -> Error {
        Error::TooNew {
            function: function.name,
            field,
            since,
            plugin_version: self.version(),
        }
    }

    /// Whether the plugin is new enough to know a value of an enumeration.
    pub(crate) fn has_value(&self, value: i64, late: &[(i64, u32)]) -> bool {
        let since = late.iter().find(|(number, _)| *number == value);
        since.is_none_or(|(_, since)| self.minor() >= *since)
    }

    /// Refuses a value of an enumeration that the plugin is too old to know.
    pub fn knows_value(
        &self,
        function: &Function,
        field: &'static str,
        value: i64,
        late: &[(i64, u32)],
    ) -> Result<()> {
        match late.iter().find(|(number, _)| *number == value) {
            Some((_, since)) if self.minor() < *since && !guard::off("enum_too_new") => {
                Err(self.too_new(function, field, *since))
            }
            _ => Ok(()),
        }
    }
}

/// The error for an item that a table of this version does not have as ours.
#[cold]
pub(crate) fn refused(api: &Api, function: &Function, version: Version, rows: &[Row]) -> Error {
    match version.verdict(rows) {
        Verdict::Incompatible => Error::IncompatibleLayout {
            function: function.name,
            layout_since: layout_since(rows),
            plugin_version: api.version(),
        },
        _ => Error::Unimplemented {
            function: function.name,
            since: match function.since {
                0 => since(rows),
                known => known,
            },
            plugin_version: api.version(),
        },
    }
}

/// Copies the slots that a table has as ours, and gives the sizes of their arguments.
///
/// # Safety
///
/// `from` points to a table of this version, `end` bytes long; `T` is a struct of words that may
/// hold any bits, but for an odd end, and the history is that of its words.
pub(crate) unsafe fn copy_slots<T>(
    from: NonNull<impl Sized>,
    end: usize,
    to: &mut T,
    version: Version,
    history: &History,
) -> Box<[Gate]> {
    let whole = history.whole.min(size_of::<T>());
    let gated = (whole, history.gates);
    let place = NonNull::from(to).cast();
    // SAFETY: the caller's promise, and `to` is a whole struct of the caller's.
    unsafe { copy_words(from.cast(), end, place, size_of::<T>(), version, gated) }
}

/// As [`copy_slots`], for a struct of `ours` bytes at `to`.
///
/// # Safety
///
/// As that function.
unsafe fn copy_words(
    from: NonNull<u8>,
    end: usize,
    to: NonNull<u8>,
    ours: usize,
    version: Version,
    (whole, gated): (usize, &[Gated]),
) -> Box<[Gate]> {
    // A slot that is cut off is not there; a flag at the end of ours is narrower than a word, and
    // padding behind it is none of the table's.
    let length = if guard::off("table_overread") {
        ours
    } else if end >= whole {
        end.min(ours)
    } else {
        end / SLOT * SLOT
    };
    let to = to.as_ptr();
    // SAFETY: `length` is within both.
    unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to, length) };
    let mut gates = vec![Gate::default(); ours.div_ceil(SLOT)].into_boxed_slice();
    for slot in gated {
        match version.verdict(slot.rows) {
            Verdict::Known(gate) => {
                if let Some(place) = gates.get_mut(slot.offset / SLOT) {
                    *place = gate;
                }
            }
            _ if guard::off("table_overread") => {}
            _ => {
                // A flag may be narrower than a word; what stands behind its word is not its own.
                let word = SLOT - slot.offset % SLOT;
                let length = word.min(ours.saturating_sub(slot.offset));
                // SAFETY: the offset is one of the struct's, whose end is not passed; no bits are
                // a valid slot, flag or pointer.
                unsafe { to.add(slot.offset.min(ours)).write_bytes(0, length) };
            }
        }
    }
    gates
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table that ends in two flags, as a vendor's may.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Flagged {
        size: usize,
        first: u8,
        second: u8,
        function: usize,
        last: u8,
    }

    const THEIRS: Flagged = Flagged {
        size: 25,
        first: 1,
        second: 1,
        function: usize::MAX,
        last: 1,
    };

    /// Copies so many bytes of a table of which a slot may be absent.
    fn copied(end: usize, gates: &'static [Gated]) -> Flagged {
        let history = History {
            newest: size_of::<Flagged>() as u32,
            by_size: true,
            whole: 25,
            gates,
            ends: &[],
        };
        let version = Version::of(&history, 0, end, size_of::<Flagged>());
        let mut ours = Flagged::default();
        // SAFETY: the table is whole, longer than `end`, and any bits are one.
        unsafe { copy_slots(NonNull::from(&THEIRS), end, &mut ours, version, &history) };
        ours
    }

    #[test]
    fn a_flag_at_the_end_is_there_where_the_table_ends_behind_it() {
        assert_eq!(copied(25, &[]), THEIRS);
        assert_eq!(copied(size_of::<Flagged>(), &[]), THEIRS);
        assert_eq!(copied(24, &[]).last, 0);
    }

    #[test]
    fn an_absent_flag_leaves_the_function_behind_it_whole() {
        const ABSENT: &[Gated] = &[Gated {
            name: "second",
            offset: 9,
            rows: &[[0, 0, 0, 0]],
        }];
        let ours = copied(25, ABSENT);
        assert_eq!((ours.first, ours.second), (1, 0));
        assert_eq!(ours.function, usize::MAX);
    }
}
