//! The tables that callers get: as long as that version's, with its slots.

use crate::era::{API, Era};
use crate::ext::xla_ffi;
use crate::foreign::Foreign;
use crate::stub;
use pjrt_codegen::history::StructBody;
use pjrt_sys as sys;
use std::sync::{Mutex, PoisonError};

/// The tables of a plugin. They stay as long as the process, as those of real plugins do.
pub(crate) struct Table {
    pub(crate) api: *const u64,
    /// The table that handlers of custom calls are given; 0 before there was one.
    pub(crate) ffi: usize,
    /// Addresses of the nodes of the chain.
    pub(crate) nodes: Vec<usize>,
}

// SAFETY: the memory is written before the table is made and never again.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

/// What a table is to look like, beyond its version.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looks {
    /// Minor that the table says; that of the version without it.
    pub(crate) minor: Option<i32>,
    /// Major that the table says.
    pub(crate) major: i32,
    /// Size that the table says; what the version's headers give without it.
    pub(crate) size: Option<usize>,
    /// Slots behind those of the version.
    pub(crate) extra_slots: usize,
    /// Numbers of extensions that nobody knows.
    pub(crate) unknown_extensions: Vec<u32>,
    /// The last node of the chain leads to the first.
    pub(crate) cyclic: bool,
    /// Nodes that are not the mock's, each with its place in the chain.
    pub(crate) foreign: Vec<(usize, Foreign)>,
}

/// A table in the making.
struct Memory(Box<[u64]>);

impl Memory {
    fn new(bytes: usize) -> Memory {
        Memory(vec![0; bytes.div_ceil(8)].into())
    }

    fn put(&mut self, offset: usize, value: u64) {
        if let Some(word) = self.0.get_mut(offset / 8) {
            *word = value;
        }
    }

    /// Two values of 32 bits, the first at the lower address.
    fn put_pair(&mut self, offset: usize, first: u32, second: u32) {
        self.put(offset, u64::from(first) | u64::from(second) << 32);
    }

    fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// Gives the table, which stays as long as the process. It is kept in a list, so that it is not
    /// taken for a leak.
    fn leak(self) -> *mut u64 {
        static TABLES: Mutex<Vec<usize>> = Mutex::new(Vec::new());
        let start = Box::leak(self.0).as_mut_ptr();
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        tables.push(start as usize);
        start
    }
}

fn offset(body: &StructBody, name: &str) -> Option<usize> {
    let field = body.fields.iter().find(|f| f.name == name)?;
    usize::try_from(field.offset).ok()
}

fn bytes(n: u64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

impl Table {
    /// Builds the tables of the plugin at a place. `has` says whether a slot is there, `extensions`
    /// names the tables of the chain, each with its number.
    pub(crate) fn build(
        era: &Era,
        place: usize,
        looks: &Looks,
        extensions: &[(&str, u32)],
        has: impl Fn(&str) -> bool,
    ) -> Table {
        let mut nodes = Vec::new();
        let mut chain: Vec<*mut u64> = Vec::new();
        let mut links = Vec::new();
        let base = era.structure("PJRT_Extension_Base");
        let place_of = |name: &str| base.and_then(|b| offset(b, name));
        let node = |memory: &mut Memory, size: usize, number: u32| {
            if let Some(at) = place_of("struct_size") {
                memory.put(at, size as u64);
            }
            if let Some(at) = place_of("type") {
                memory.put_pair(at, number, 0);
            }
        };
        for (name, number) in extensions {
            let Some(body) = era.structure(name) else {
                continue;
            };
            let mut memory = Memory::new(bytes(body.size));
            node(
                &mut memory,
                bytes(body.struct_size.unwrap_or(body.size)),
                *number,
            );
            fill(&mut memory, era, name, place, &has);
            behind(&mut memory, era, body, place, &has);
            nodes.push(memory.address());
            chain.push(memory.leak());
            links.push(place_of("next").unwrap_or(0) / 8);
        }
        for number in &looks.unknown_extensions {
            let mut memory = Memory::new(64);
            node(&mut memory, 64, *number);
            nodes.push(memory.address());
            chain.push(memory.leak());
            links.push(place_of("next").unwrap_or(0) / 8);
        }
        for (at, node) in &looks.foreign {
            let link = std::mem::offset_of!(sys::PJRT_Extension_Base, next);
            assert!(
                base.is_some_and(|b| offset(b, "next") == Some(link)),
                "nodes of today's headers have no place in a chain of minor {}",
                era.minor
            );
            let at = (*at).min(chain.len());
            nodes.push(node.0 as usize);
            chain.insert(at, node.0);
            links.insert(at, link / 8);
        }
        let first = chain.first().map_or(0, |p| *p as u64);
        for (index, (node, link)) in chain.iter().zip(&links).enumerate() {
            let after = if looks.cyclic { first } else { 0 };
            let next = chain.get(index + 1).map_or(after, |p| *p as u64);
            // SAFETY: the node is ours, or was given to be linked, and longer than its link's offset.
            unsafe { node.add(*link).write(next) };
        }
        let Some(body) = era.structure(API) else {
            panic!("the headers of minor {} have no table", era.minor);
        };
        let mut memory = Memory::new(bytes(body.size) + looks.extra_slots * 8);
        // Some versions say less than they have.
        let said = bytes(body.struct_size.unwrap_or(body.size)) + looks.extra_slots * 8;
        memory.put(0, looks.size.unwrap_or(said) as u64);
        if let Some(at) = offset(body, "extension_start") {
            memory.put(at, first);
        }
        version(&mut memory, era, body, looks);
        fill(&mut memory, era, API, place, &has);
        for extra in 0..looks.extra_slots {
            let at = bytes(body.size) + extra * 8;
            memory.put(at, stub::address(place, stub::WIDTH - 1) as u64);
        }
        Table {
            api: memory.leak(),
            ffi: for_handlers(era, place, &has),
            nodes,
        }
    }
}

/// The version within the table.
fn version(memory: &mut Memory, era: &Era, api: &StructBody, looks: &Looks) {
    let (Some(at), Some(body)) = (
        offset(api, "pjrt_api_version"),
        era.structure("PJRT_Api_Version"),
    ) else {
        return;
    };
    let size = bytes(body.struct_size.unwrap_or(body.size));
    memory.put(at, size as u64);
    let minor = looks.minor.unwrap_or(era.minor.cast_signed());
    if let Some(major) = offset(body, "major_version") {
        memory.put_pair(
            at + major,
            looks.major.cast_unsigned(),
            minor.cast_unsigned(),
        );
    }
}

/// The slots of a table.
fn fill(memory: &mut Memory, era: &Era, table: &str, place: usize, has: &impl Fn(&str) -> bool) {
    for (index, function) in era.functions.iter().enumerate() {
        if function.table == table && has(function.name) {
            memory.put(function.offset, stub::address(place, index) as u64);
        }
    }
}

/// The tables that fields of a table point to.
fn behind(
    memory: &mut Memory,
    era: &Era,
    body: &StructBody,
    place: usize,
    has: &impl Fn(&str) -> bool,
) {
    for field in &body.fields {
        let Some(name) = field.ty.strip_suffix('*') else {
            continue;
        };
        let Some(table) = era.structure(name).filter(|table| table.kind == "api") else {
            continue;
        };
        let at = usize::try_from(field.offset).unwrap_or(usize::MAX);
        memory.put(at, api(era, name, table, place, has).leak() as u64);
    }
}

/// A table of functions that begins with its size and is in no chain.
fn api(
    era: &Era,
    name: &str,
    body: &StructBody,
    place: usize,
    has: &impl Fn(&str) -> bool,
) -> Memory {
    let mut memory = Memory::new(bytes(body.size));
    let said = bytes(body.struct_size.unwrap_or(body.size));
    if let Some(at) = offset(body, "struct_size") {
        memory.put(at, said as u64);
    }
    fill(&mut memory, era, name, place, has);
    memory
}

/// XLA's own table, which counts its versions for itself.
fn for_handlers(era: &Era, place: usize, has: &impl Fn(&str) -> bool) -> usize {
    let (name, version) = (xla_ffi::API, era.structure("XLA_FFI_Api_Version"));
    let Some(body) = era.structure(name) else {
        return 0;
    };
    let mut memory = api(era, name, body, place, has);
    if let (Some(at), Some(version)) = (offset(body, "api_version"), version) {
        memory.put(at, version.struct_size.unwrap_or(version.size));
        if let Some(major) = offset(version, "major_version") {
            memory.put_pair(at + major, 0, era.ffi);
        }
    }
    memory.leak() as usize
}
