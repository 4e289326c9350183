//! A recording of which functions the tests call on a plugin, and what comes back.
//!
//! If `PJRT_RECORD_CALLS` names a folder, a plugin is loaded through a copy of its table in which
//! every slot leads through a function of ours: it calls the plugin's own and writes down, the
//! first time each, that an error came back or none. The tables of extensions and the profiler's
//! are copied in the same way; functions behind objects (vtables) are not seen. Nothing of this is
//! in the library, which cannot tell such a table from the plugin's own.
//!
//! Such a copy can keep [books](crate::books) of objects instead.
//!
//! `cargo xtask coverage record` runs the tests with it and gathers the lines, each
//! `plugin TAB version TAB function TAB ok|error`.

use crate::books::{Books, Moves};
use pjrt::sys;
use pjrt_codegen::model::{self, API_TABLE, Model};
use pjrt_codegen::schema::{Function, Slot as SlotKind};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The variable that names the folder.
const RECORD: &str = "PJRT_RECORD_CALLS";
/// Before this minor version, nodes of the extension chain have no size.
const FIRST_WITH_SIZE: i32 = 45;
/// Most nodes of a chain.
const LONGEST: usize = 256;

/// The folder, if a recording is wanted.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os(RECORD).map(PathBuf::from)
}

/// Whether calls on this plugin can be recorded. The old ones that are there for the contracts of
/// their time are not: their tables end elsewhere than they say, and a copy would be too short.
pub fn can_record(name: &str) -> bool {
    ["cpu", "tpu", "cuda13"].contains(&name)
}

/// Loads a library and gives its table with every function recorded; the same table each time.
///
/// # Panics
///
/// If the library or the model cannot be read.
pub fn table(name: &str, library: &Path, folder: &Path) -> *const sys::PJRT_Api {
    static TABLES: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    let table = tables.entry(name.to_owned()).or_insert_with(|| {
        let file = folder.join(format!("{}-{name}.txt", std::process::id()));
        copied(name, library, Some(file), None)
    });
    *table as *const sys::PJRT_Api
}

/// Loads a library and gives its table with books of the plugin's objects; another one each time.
///
/// # Panics
///
/// As [`table`].
pub(crate) fn counting(name: &str, library: &Path, books: Arc<Books>) -> *const sys::PJRT_Api {
    copied(name, library, None, Some(books)) as *const sys::PJRT_Api
}

fn copied(name: &str, library: &Path, file: Option<PathBuf>, books: Option<Arc<Books>>) -> usize {
    // SAFETY: the library is a plugin that the tests trust, and stays loaded.
    let library = unsafe { libloading::Library::new(library) }.unwrap();
    let library: &'static libloading::Library = Box::leak(Box::new(library));
    type GetPjrtApi = unsafe extern "C" fn() -> *const sys::PJRT_Api;
    // SAFETY: the name is the one that PJRT gives to a function of this type.
    let get = unsafe { library.get::<GetPjrtApi>(b"GetPjrtApi\0") }.unwrap();
    // SAFETY: as above; it takes nothing.
    let original = unsafe { get() };
    assert!(!original.is_null(), "{name} has no table");
    // SAFETY: a table that is not null is at least as long as its version.
    let version = unsafe { &raw const (*original).pjrt_api_version };
    // SAFETY: as above.
    let (major, minor) = unsafe { ((*version).major_version, (*version).minor_version) };
    let recorder = Recorder {
        model: facts(),
        plugin: name.to_owned(),
        api: format!("{major}.{minor}"),
        file,
        books,
        original: original as usize,
    };
    // SAFETY: the table is the plugin's own.
    unsafe { recorder.main(original, minor) }
}

fn facts() -> Model {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../pjrt/model.json");
    model::from_json(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) struct Recorder {
    pub(crate) model: Model,
    plugin: String,
    api: String,
    /// Where calls are written down, if they are.
    file: Option<PathBuf>,
    /// Where objects are counted, if they are.
    pub(crate) books: Option<Arc<Books>>,
    /// The plugin's own table.
    pub(crate) original: usize,
}

impl Recorder {
    /// # Safety
    ///
    /// `original` is a plugin's table, which lives as long as the process.
    unsafe fn main(&self, original: *const sys::PJRT_Api, minor: i32) -> usize {
        // SAFETY: the caller's promise.
        let copy = unsafe { self.copy(original.cast(), API_TABLE) };
        if minor >= FIRST_WITH_SIZE {
            let start = std::mem::offset_of!(sys::PJRT_Api, extension_start);
            // SAFETY: the copy is a table; every one is long enough for this field.
            let link = unsafe { copy.cast::<u8>().add(start).cast() };
            // SAFETY: the field holds the first node of the plugin's chain, or null.
            unsafe { self.chain(link) };
        }
        copy as usize
    }

    /// Replaces the nodes of a chain by copies.
    ///
    /// # Safety
    ///
    /// `link` is the pointer to the first node, in memory of ours.
    unsafe fn chain(&self, mut link: *mut *mut sys::PJRT_Extension_Base) {
        for _ in 0..LONGEST {
            // SAFETY: `link` is a field of a copy that was just made.
            let node = unsafe { link.read() };
            if node.is_null() {
                return;
            }
            // SAFETY: the node is the plugin's, and begins with a base.
            let number = unsafe { (*node).type_.0 };
            let headers = self.model.facts.headers.iter();
            let known = headers.filter_map(|h| h.extension.as_ref());
            let extension = known.into_iter().find(|e| e.number == number);
            let table = extension.map_or("", |e| e.table.as_str());
            // SAFETY: a node is as long as it says.
            let copy = unsafe { self.copy(node.cast(), table) };
            let copy: *mut sys::PJRT_Extension_Base = copy.cast();
            // SAFETY: the field is ours; the copy begins with a base and is ours too.
            unsafe {
                link.write(copy);
                link = &raw mut (*copy).next;
            }
        }
    }

    /// A copy of a table, its functions recorded.
    ///
    /// # Safety
    ///
    /// `original` is such a table of the plugin's, and begins with its size.
    unsafe fn copy(&self, original: *const usize, table: &str) -> *mut c_void {
        // SAFETY: the caller's promise.
        let size = unsafe { original.read() };
        let words = size.div_ceil(size_of::<usize>());
        let copy: &'static mut [usize] = Box::leak(vec![0; words].into_boxed_slice());
        let start = copy.as_mut_ptr();
        // SAFETY: the original has `size` bytes, the copy at least as many.
        unsafe { ptr::copy_nonoverlapping(original.cast::<u8>(), start.cast::<u8>(), size) };
        let functions = self.model.facts.headers.iter().flat_map(|h| &h.functions);
        for function in functions.filter(|f| f.table == table) {
            if let Some(slot) = slot(copy, function.offset, size) {
                *slot = self.wrap(*slot, function);
            }
        }
        let fields = self.model.structure(table).map(|s| s.fields.as_slice());
        for field in fields.unwrap_or_default() {
            let second = field.ty.trim_end_matches('*');
            let points =
                field.slot == Some(SlotKind::Data) && self.model.structure(second).is_some();
            if let (true, Some(slot)) = (points, slot(copy, field.offset, size)) {
                // SAFETY: the slot holds a pointer to a table that begins with its size.
                *slot = unsafe { self.copy(*slot as *const usize, second) } as usize;
            }
        }
        start.cast()
    }

    /// The address of a function that calls this one and writes down what comes back.
    fn wrap(&self, original: usize, function: &Function) -> usize {
        let returns = match function.signature.returns.as_str() {
            "void" => false,
            pointer if pointer.ends_with('*') => true,
            _ => return original,
        };
        if function.signature.params.len() != 1 {
            return original;
        }
        let record = Record {
            original,
            line: format!("{}\t{}\t{}", self.plugin, self.api, function.name),
            file: self.file.clone(),
            moves: Moves::of(self, function),
            seen: [AtomicBool::new(false), AtomicBool::new(false)],
        };
        static NEXT: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let index = NEXT[usize::from(returns)].fetch_add(1, Ordering::Relaxed);
        let (high, low) = (index / 32, index % 32);
        let (records, address) = if returns {
            (
                &RETURNING[..],
                RETURNING_CALLS.get(high).map(|row| row[low] as usize),
            )
        } else {
            (
                &SILENT[..],
                SILENT_CALLS.get(high).map(|row| row[low] as usize),
            )
        };
        let address = address.expect("more functions than there is room for: add rows");
        let _ = records[index].set(record);
        address
    }
}

/// The word at an offset, if it is there and holds something.
fn slot(words: &mut [usize], offset: u64, size: usize) -> Option<&mut usize> {
    let offset = usize::try_from(offset).ok()?;
    let inside = offset + size_of::<usize>() <= size;
    let word = words.get_mut(offset / size_of::<usize>())?;
    (inside && *word != 0).then_some(word)
}

/// A function of a plugin.
struct Record {
    original: usize,
    line: String,
    file: Option<PathBuf>,
    moves: Option<Moves>,
    seen: [AtomicBool; 2],
}

impl Record {
    /// Appends a line the first time, at once: the process may end in any way.
    fn note(&self, error: bool) {
        let Some(file) = &self.file else { return };
        if self.seen[usize::from(error)].swap(true, Ordering::Relaxed) {
            return;
        }
        let line = format!("{}\t{}\n", self.line, if error { "error" } else { "ok" });
        let file = OpenOptions::new().create(true).append(true).open(file);
        file.and_then(|mut f| f.write_all(line.as_bytes())).unwrap();
    }
}

static RETURNING: [OnceLock<Record>; 1024] = [const { OnceLock::new() }; 1024];
static SILENT: [OnceLock<Record>; 128] = [const { OnceLock::new() }; 128];

type Returning = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
type Silent = unsafe extern "C" fn(*mut c_void);

unsafe extern "C" fn returning<const HIGH: usize, const LOW: usize>(
    args: *mut c_void,
) -> *mut c_void {
    let record = RETURNING[HIGH * 32 + LOW].get().unwrap();
    // SAFETY: the record holds a function of this form: one pointer in, one out.
    let function: Returning = unsafe { std::mem::transmute(record.original) };
    if let Some(moves) = &record.moves {
        // SAFETY: the arguments are those of the function.
        unsafe { moves.before(args) };
    }
    // SAFETY: the arguments are passed on as they came.
    let error = unsafe { function(args) };
    record.note(!error.is_null());
    if let Some(moves) = &record.moves {
        // SAFETY: as above.
        unsafe { moves.after(args, error) };
    }
    error
}

unsafe extern "C" fn silent<const HIGH: usize, const LOW: usize>(args: *mut c_void) {
    let record = SILENT[HIGH * 32 + LOW].get().unwrap();
    // SAFETY: the record holds a function of this form: one pointer in, nothing out.
    let function: Silent = unsafe { std::mem::transmute(record.original) };
    if let Some(moves) = &record.moves {
        // SAFETY: the arguments are those of the function.
        unsafe { moves.before(args) };
    }
    // SAFETY: the arguments are passed on as they came.
    unsafe { function(args) };
    record.note(false);
    if let Some(moves) = &record.moves {
        // SAFETY: as above.
        unsafe { moves.after(args, ptr::null_mut()) };
    }
}

/// A function for each pair of a row and a column.
macro_rules! calls {
    ($function:ident; $($high:literal)*) => {
        [$(calls!(@row $function $high;
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)),*]
    };
    (@row $function:ident $high:literal; $($low:literal)*) => {
        [$($function::<$high, $low>),*]
    };
}

static RETURNING_CALLS: [[Returning; 32]; 32] = calls!(returning;
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
static SILENT_CALLS: [[Silent; 32]; 4] = calls!(silent; 0 1 2 3);
