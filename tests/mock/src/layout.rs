//! A struct as one version of the headers has it, beside today's.

use pjrt_codegen::history::StructBody;

/// Where a struct of another version keeps what today's struct has. Behaviour is written against
/// today's structs: what a caller gives is brought to their form, and the answers back.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) name: String,
    /// `sizeof` in that version: the stride of arrays, and what a caller's memory holds.
    pub(crate) size: usize,
    /// What a caller's `struct_size` must be at least: the header's constant.
    pub(crate) minimum: usize,
    /// Whether it begins with its size.
    pub(crate) sized: bool,
    /// Offset of the chain of extensions, if it has one.
    pub(crate) chain: Option<usize>,
    /// `sizeof` today.
    pub(crate) today: usize,
    /// Offset and size of each field, today.
    fields: Vec<(String, usize, usize)>,
    runs: Vec<Run>,
}

/// Bytes that mean the same in both.
#[derive(Clone, Copy, Debug)]
struct Run {
    theirs: usize,
    ours: usize,
    length: usize,
}

const SIZE: &str = "struct_size";
const CHAIN: &str = "extension_start";

fn narrow(n: u64) -> usize {
    usize::try_from(n).expect("sizes of structs fit")
}

impl Layout {
    /// Pairs fields by name; those that one side lacks are left alone.
    pub(crate) fn new(name: &str, then: &StructBody, today: &StructBody, more: usize) -> Layout {
        let mut runs: Vec<Run> = Vec::new();
        for field in &today.fields {
            let Some(old) = then.fields.iter().find(|f| f.name == field.name) else {
                continue;
            };
            let run = Run {
                theirs: narrow(old.offset),
                ours: narrow(field.offset),
                length: narrow(field.size.min(old.size)),
            };
            match runs.last_mut() {
                Some(last)
                    if last.theirs + last.length == run.theirs
                        && last.ours + last.length == run.ours =>
                {
                    last.length += run.length;
                }
                _ => runs.push(run),
            }
        }
        let first = then.fields.first();
        let chain = then.fields.iter().find(|f| f.name == CHAIN);
        Layout {
            name: name.to_owned(),
            size: narrow(then.size) + more,
            minimum: narrow(then.struct_size.unwrap_or(then.size)) + more,
            sized: first.is_some_and(|f| f.name == SIZE),
            chain: chain.map(|f| narrow(f.offset)),
            today: narrow(today.size),
            fields: today
                .fields
                .iter()
                .map(|f| (f.name.clone(), narrow(f.offset), narrow(f.size)))
                .collect(),
            runs,
        }
    }

    /// Offset and size of a field, today.
    pub(crate) fn field(&self, name: &str) -> Option<(usize, usize)> {
        let found = self.fields.iter().find(|(field, _, _)| field == name);
        found.map(|(_, offset, size)| (*offset, *size))
    }

    /// Brings a struct of that version to today's form.
    ///
    /// # Safety
    ///
    /// `room` bytes can be read at `from`, and `today` bytes written at `to`.
    pub(crate) unsafe fn read(&self, from: *const u8, room: usize, to: *mut u8) {
        for run in &self.runs {
            let length = run.length.min(room.saturating_sub(run.theirs));
            // SAFETY: a field lies within today's struct, and `length` ends within the room.
            unsafe { copy(from.add(run.theirs.min(room)), to.add(run.ours), length) };
        }
    }

    /// Brings today's struct to the form of that version.
    ///
    /// # Safety
    ///
    /// `today` bytes can be read at `from`, and `size` bytes written at `to`.
    pub(crate) unsafe fn write(&self, from: *const u8, to: *mut u8) {
        for run in &self.runs {
            // SAFETY: a field lies within the struct of either version.
            unsafe { copy(from.add(run.ours), to.add(run.theirs), run.length) };
        }
    }
}

/// # Safety
///
/// As [`std::ptr::copy_nonoverlapping`].
unsafe fn copy(from: *const u8, to: *mut u8, length: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy_nonoverlapping(from, to, length) };
}
