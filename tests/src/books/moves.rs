//! What the functions of a plugin do to its books.

use super::Books;
use crate::record::Recorder;
use pjrt::sys;
use pjrt_codegen::model::{ERROR, Model};
use pjrt_codegen::schema::{Direction, Function, Struct};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

const EXECUTE: &str = "PJRT_LoadedExecutable_Execute";
const ON_READY: &str = "PJRT_Event_OnReady";

/// What a function does to the books.
pub(crate) struct Moves {
    books: Arc<Books>,
    /// Handles that it gives.
    made: Vec<Place>,
    /// What it gives that has a deleter, and the offsets of those.
    held: Vec<(Place, usize)>,
    /// The handle that it destroys.
    ended: Option<Place>,
    /// It runs programs: the plugin's own table.
    runs: Option<usize>,
    /// It takes a callback, which gets an error.
    watches: bool,
    /// Its arguments begin with their size.
    sized: bool,
}

/// A field with an object.
struct Place {
    kind: String,
    offset: usize,
}

impl Place {
    fn of(structure: &Struct, field: &str) -> Option<Place> {
        let field = structure.fields.iter().find(|f| f.name == field)?;
        let kind = field.ty.trim_start_matches("const ");
        Some(Place {
            kind: kind.strip_suffix('*')?.to_owned(),
            offset: usize::try_from(field.offset).ok()?,
        })
    }
}

impl Moves {
    pub(crate) fn of(recorder: &Recorder, function: &Function) -> Option<Moves> {
        let (model, books) = (&recorder.model, recorder.books.clone()?);
        let args = model.structure(function.args.as_deref()?)?;
        let mut moves = Moves {
            books,
            made: Vec::new(),
            held: Vec::new(),
            ended: None,
            runs: (function.name == EXECUTE).then_some(recorder.original),
            watches: function.name == ON_READY,
            sized: Model::is_versioned(args),
        };
        for field in &args.fields {
            let entry = model.field_entry(&function.name, &field.name);
            if let Some(deleter) = entry.and_then(|entry| entry.deleter.as_deref()) {
                let holder = entry.and_then(|entry| entry.holder.as_deref());
                let place = Place::of(args, holder.unwrap_or(&field.name))?;
                let deleter = args.fields.iter().find(|f| f.name == deleter)?;
                let deleter = usize::try_from(deleter.offset).ok()?;
                moves.held.push((place, deleter));
            }
            let place = Place::of(args, &field.name);
            let Some((place, destroy)) =
                place.and_then(|place| destroy(model, &place.kind).map(|destroy| (place, destroy)))
            else {
                continue;
            };
            let borrowed = entry.is_some_and(|entry| entry.borrow.is_some());
            if destroy == function.name {
                moves.ended = Some(place);
            } else if model.direction(&function.name, field) == Direction::Out && !borrowed {
                moves.made.push(place);
            }
        }
        Some(moves)
    }

    /// Before the call: what is destroyed may be the address of something new before it returns.
    ///
    /// # Safety
    ///
    /// `args` is what the function takes.
    pub(crate) unsafe fn before(&self, args: *mut c_void) {
        if let Some(place) = &self.ended {
            // SAFETY: the caller's promise.
            self.books
                .ended(&place.kind, unsafe { self.word(args, place.offset) });
        }
        if self.watches {
            // SAFETY: the caller's promise: such are the arguments of the one function that watches.
            let args = unsafe { &mut *args.cast::<sys::PJRT_Event_OnReady_Args>() };
            let watch = Box::new(Watch {
                books: Arc::clone(&self.books),
                callback: args.callback,
                user: args.user_arg,
            });
            args.callback = Some(told);
            args.user_arg = Box::into_raw(watch).cast();
        }
    }

    /// After it.
    ///
    /// # Safety
    ///
    /// `args` is what the function took, `error` what it returned, or null where it returns nothing.
    pub(crate) unsafe fn after(&self, args: *mut c_void, error: *mut c_void) {
        if !error.is_null() {
            self.books.made(ERROR, error as usize);
            return;
        }
        for place in &self.made {
            // SAFETY: the caller's promise.
            self.books
                .made(&place.kind, unsafe { self.word(args, place.offset) });
        }
        for (place, deleter) in &self.held {
            // SAFETY: the caller's promise.
            let (object, free) =
                unsafe { (self.word(args, place.offset), self.word(args, *deleter)) };
            if object != 0 && free != 0 {
                Held::keep(&self.books, &place.kind, object, free);
                // SAFETY: the word is there and holds the deleter, which this one calls.
                unsafe {
                    args.byte_add(*deleter)
                        .cast::<usize>()
                        .write(freed as *const () as usize)
                };
            }
        }
        if let Some(original) = self.runs {
            // SAFETY: as above, and the table is the plugin's own.
            unsafe { self.run(original as *const sys::PJRT_Api, args.cast()) };
        }
    }

    /// A word of the arguments; 0 if they do not reach so far.
    ///
    /// # Safety
    ///
    /// As [`Moves::before`].
    unsafe fn word(&self, args: *mut c_void, offset: usize) -> usize {
        // SAFETY: versioned arguments begin with their size.
        if self.sized && unsafe { args.cast::<usize>().read() } < offset + size_of::<usize>() {
            return 0;
        }
        // SAFETY: the field lies within the arguments.
        unsafe { args.byte_add(offset).cast::<usize>().read() }
    }

    /// The outputs and events of a run.
    ///
    /// # Safety
    ///
    /// The arguments are those of a run that was started, the table that of its plugin.
    unsafe fn run(
        &self,
        api: *const sys::PJRT_Api,
        args: *const sys::PJRT_LoadedExecutable_Execute_Args,
    ) {
        // SAFETY: the caller's promise.
        let (api, args) = unsafe { (&*api, &*args) };
        // SAFETY: the executable is live.
        let outputs = unsafe { outputs(api, args.executable) };
        for device in 0..args.num_devices {
            if !args.device_complete_events.is_null() {
                // SAFETY: the array has an event for each device.
                let event = unsafe { args.device_complete_events.add(device).read() };
                self.books.made("PJRT_Event", event as usize);
            }
            for output in 0..outputs {
                // SAFETY: the array has a list for each device, which has each output.
                let buffer = unsafe { args.output_lists.add(device).read().add(output).read() };
                self.books.made("PJRT_Buffer", buffer as usize);
            }
        }
    }
}

/// The destructor of a handle.
fn destroy<'m>(model: &'m Model, kind: &str) -> Option<&'m str> {
    match kind {
        ERROR => Some("PJRT_Error_Destroy"),
        kind => model.handle(kind)?.destroy.as_deref(),
    }
}

/// A callback of the caller's.
struct Watch {
    books: Arc<Books>,
    callback: sys::PJRT_Event_OnReadyCallback,
    user: *mut c_void,
}

/// Stands for a callback: an error is the callback's, which destroys it.
unsafe extern "C" fn told(error: *mut sys::PJRT_Error, watch: *mut c_void) {
    // SAFETY: the plugin passes on what it was given, once.
    let watch = unsafe { Box::from_raw(watch.cast::<Watch>()) };
    watch.books.made(ERROR, error as usize);
    if let Some(callback) = watch.callback {
        // SAFETY: callback and pointer were given together for such a call.
        unsafe { callback(error, watch.user) };
    }
}

/// What has a deleter of its own.
struct Held {
    books: Arc<Books>,
    kind: String,
    deleter: usize,
}

static HELD: Mutex<BTreeMap<usize, Held>> = Mutex::new(BTreeMap::new());

impl Held {
    fn keep(books: &Arc<Books>, kind: &str, object: usize, deleter: usize) {
        books.made(kind, object);
        let held = Held {
            books: Arc::clone(books),
            kind: kind.to_owned(),
            deleter,
        };
        let mut all = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(object, held);
    }
}

/// Stands for a deleter. One that is called for something else ends the process: nothing may unwind.
unsafe extern "C" fn freed(object: *mut c_void) {
    let mut all = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let held = all.remove(&(object as usize));
    drop(all);
    let held = held.expect("something that the plugin gave, and only once");
    held.books.ended(&held.kind, object as usize);
    // SAFETY: it is the address of the deleter that came with the object, which takes a pointer.
    let deleter: unsafe extern "C" fn(*mut c_void) = unsafe { std::mem::transmute(held.deleter) };
    // SAFETY: as above.
    unsafe { deleter(object) };
}

/// How many outputs a program has, by calls that are not counted.
///
/// # Safety
///
/// The table is a plugin's, the executable live.
unsafe fn outputs(api: &sys::PJRT_Api, executable: *mut sys::PJRT_LoadedExecutable) -> usize {
    let mut get = sys::PJRT_LoadedExecutable_GetExecutable_Args::zeroed();
    get.struct_size = sys::PJRT_LoadedExecutable_GetExecutable_Args_STRUCT_SIZE;
    get.loaded_executable = executable;
    let mut count = sys::PJRT_Executable_NumOutputs_Args::zeroed();
    count.struct_size = sys::PJRT_Executable_NumOutputs_Args_STRUCT_SIZE;
    let mut end = sys::PJRT_Executable_Destroy_Args::zeroed();
    end.struct_size = sys::PJRT_Executable_Destroy_Args_STRUCT_SIZE;
    // SAFETY: the arguments are whole, and the executable that is made is destroyed.
    unsafe {
        let error = api.PJRT_LoadedExecutable_GetExecutable.unwrap()(&raw mut get);
        assert!(error.is_null());
        count.executable = get.executable;
        let error = api.PJRT_Executable_NumOutputs.unwrap()(&raw mut count);
        assert!(error.is_null());
        end.executable = get.executable;
        let error = api.PJRT_Executable_Destroy.unwrap()(&raw mut end);
        assert!(error.is_null());
    }
    count.num_outputs
}
