//! A call: the caller is checked, faults are applied, the behaviour runs, outputs go back.

use crate::era::{Era, Function};
use crate::ext::{profiler, xla_ffi};
use crate::failure::Failure;
use crate::fault::Fault;
use crate::layout::Layout;
use crate::mock::Inner;
use crate::work;
use pjrt_sys as sys;
use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a behaviour answers; outputs are in the arguments.
pub(crate) type Outcome = Result<(), Failure>;

/// Room for today's arguments of any function.
#[repr(C, align(16))]
struct Room([u64; 128]);

/// A call that is going on.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) inner: Arc<Inner>,
    pub(crate) function: &'static str,
    faults: Vec<Fault>,
}

/// Runs a function of a plugin and gives its error, or null.
///
/// # Safety
///
/// `args` is null or what callers of the function promise: a struct as long as it says.
pub(crate) unsafe fn enter(inner: &Arc<Inner>, function: usize, args: *mut u8) -> *mut c_void {
    let Some(function) = inner.era.functions.get(function) else {
        // A slot that today's headers do not know.
        inner.violation("a slot is called that came after the newest headers".to_owned());
        return std::ptr::null_mut();
    };
    inner.counts.add(function.name);
    let call = Call {
        inner: inner.clone(),
        function: function.name,
        faults: inner.faults_of(function.name),
    };
    // SAFETY: the caller's promise.
    let result = catch_unwind(AssertUnwindSafe(|| unsafe { call.run(function, args) }));
    let failure = match result {
        Ok(Ok(())) => return std::ptr::null_mut(),
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(sys::PJRT_Error_Code_INTERNAL, said(&*panic)),
    };
    if !function.fails {
        // Nobody would take the error; what the caller did wrong is in the books.
        return std::ptr::null_mut();
    }
    match function.table {
        profiler::API => inner.give(Arc::new(profiler::Error(failure))),
        xla_ffi::API => inner.give(Arc::new(xla_ffi::Error::new(failure))),
        _ => call.error(failure).cast(),
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("the mock panicked: {}", text.unwrap_or("no message"))
}

impl Call {
    /// For what a caller does outside of a function of the table.
    pub(crate) fn of(inner: Arc<Inner>, function: &'static str) -> Call {
        Call {
            faults: inner.faults_of(function),
            inner,
            function,
        }
    }

    /// # Safety
    ///
    /// As [`enter`].
    unsafe fn run(&self, function: &Function, args: *mut u8) -> Outcome {
        for fault in &self.faults {
            match fault {
                Fault::Error(failure) => return Err(failure.clone()),
                Fault::Panic => panic!("as it was told"),
                _ => {}
            }
        }
        let unknown =
            || Failure::unimplemented(format!("the mock has no behaviour for {}", function.name));
        let layout = function.args.as_ref().ok_or_else(unknown)?;
        if args.is_null() {
            return Err(self.violation(format!("null for the arguments of {}", function.name)));
        }
        // SAFETY: the caller's promise.
        let room = unsafe { self.check(layout, args) }?;
        let entry = function.entry.ok_or_else(unknown)?;
        assert!(entry.size == layout.today && entry.size <= size_of::<Room>());
        let mut local = Room([0; 128]);
        let today = local.0.as_mut_ptr().cast::<u8>();
        // SAFETY: the caller has `room` bytes, and ours are as many as any struct needs.
        unsafe { layout.read(args, room, today) };
        // SAFETY: the struct is today's, as the sizes say.
        let outcome = unsafe { entry.run(self, today) };
        if outcome.is_ok() {
            // SAFETY: as above.
            unsafe { self.spoil(layout, today) };
        }
        // SAFETY: the caller's struct is as long as it was at that version.
        unsafe { layout.write(today, args) };
        outcome
    }

    /// Checks the head of a struct of the caller and gives how many bytes it has.
    ///
    /// # Safety
    ///
    /// As [`enter`].
    unsafe fn check(&self, layout: &Layout, args: *const u8) -> Result<usize, Failure> {
        if !args.cast::<u64>().is_aligned() {
            return Err(self.violation(format!("{} is not aligned", layout.name)));
        }
        if let Some(chain) = layout.chain {
            // SAFETY: the chain is among the first fields, which every version has.
            let node = unsafe { args.add(chain).cast::<usize>().read() };
            if node != 0 && !self.inner.table.nodes.contains(&node) {
                self.violation(format!(
                    "{}: extension_start is neither null nor a node of this plugin",
                    layout.name
                ));
            }
        }
        if !layout.sized {
            return Ok(layout.size);
        }
        // SAFETY: the size comes first.
        let given = unsafe { args.cast::<usize>().read() };
        let more = self.faults.iter().find_map(|fault| match fault {
            Fault::LargerMinimum(more) => Some(*more),
            _ => None,
        });
        let least = layout.minimum + more.unwrap_or(0);
        // The table of FFI is XLA's own code in every plugin, which takes any size from the least.
        let exact = self.inner.exact_sizes && !layout.name.starts_with("XLA_FFI_");
        let wrong = given < least || (exact && given != least);
        if wrong {
            // This is what plugins answer, and what a client must be ready for.
            return Err(Failure::invalid(format!(
                "Unexpected {} size: expected {least}, got {given}. Check installed software versions.",
                layout.name
            )));
        }
        Ok(given.min(layout.size))
    }

    /// Applies the faults that change outputs.
    ///
    /// # Safety
    ///
    /// `args` points to today's struct of the layout.
    unsafe fn spoil(&self, layout: &Layout, args: *mut u8) {
        static BAD: [u8; 4] = [b'a', 0xff, 0xfe, b'z'];
        let set = |name: &str, value: u64| {
            let Some((offset, size)) = layout.field(name) else {
                panic!("{} has no field {name}", layout.name);
            };
            let length = size.min(8);
            let bytes = value.to_le_bytes();
            // SAFETY: a field lies within the struct.
            unsafe {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), args.add(offset), length);
            }
        };
        for fault in &self.faults {
            match fault {
                Fault::Null(name) => {
                    if let Some((offset, 8)) = layout.field(name) {
                        // SAFETY: as above.
                        let address = unsafe { args.add(offset).cast::<usize>().read() };
                        let lost = self.inner.registry().forget(address);
                        self.inner.keep(Box::new(move || drop(lost)));
                    }
                    set(name, 0);
                }
                Fault::Value(name, value) => set(name, *value),
                Fault::BadText(name, length) => {
                    set(name, BAD.as_ptr() as u64);
                    set(length, BAD.len() as u64);
                }
                _ => {}
            }
        }
    }

    /// The version that the plugin poses as.
    pub(crate) fn era(&self) -> &'static Era {
        self.inner.era
    }

    /// Records that the caller did what it must not, and gives the error for it.
    pub(crate) fn violation(&self, what: String) -> Failure {
        let what = format!("{}: {what}", self.function);
        self.inner.violation(what.clone());
        Failure::invalid(what)
    }

    /// The object of a handle.
    pub(crate) fn get<T: Any + Send + Sync>(
        &self,
        handle: *const impl Sized,
    ) -> Result<Arc<T>, Failure> {
        let found = self.inner.registry().get::<T>(handle as usize);
        found.map_err(|what| self.violation(what))
    }

    /// The object of a handle that may be null.
    pub(crate) fn get_or_none<T: Any + Send + Sync>(
        &self,
        handle: *const impl Sized,
    ) -> Result<Option<Arc<T>>, Failure> {
        match handle.is_null() {
            true => Ok(None),
            false => self.get(handle).map(Some),
        }
    }

    /// A handle that the caller must destroy.
    pub(crate) fn give<T: Any + Send + Sync, H>(&self, value: Arc<T>) -> *mut H {
        self.inner.give(value)
    }

    /// A handle that ends with its owner.
    pub(crate) fn lend<T: Any + Send + Sync, H>(&self, value: Arc<T>, owner: usize) -> *mut H {
        let mut registry = self.inner.registry();
        registry.add(value, [0, self.inner.place], false, Some(owner)) as *mut H
    }

    /// Ends a handle; null is nothing.
    pub(crate) fn destroy<T: Any + Send + Sync>(
        &self,
        handle: *const impl Sized,
    ) -> Result<Option<Arc<T>>, Failure> {
        if handle.is_null() {
            return Ok(None);
        }
        let removed = self.inner.registry().remove::<T>(handle as usize);
        removed.map(Some).map_err(|what| self.violation(what))
    }

    /// An error object.
    pub(crate) fn error(&self, failure: Failure) -> *mut sys::PJRT_Error {
        self.inner.error(failure)
    }

    /// Refuses a value of an enumeration that the version does not know.
    pub(crate) fn known(&self, enumeration: &str, value: i64) -> Outcome {
        if self.era().knows(enumeration, value) {
            return Ok(());
        }
        Err(self.violation(format!("{value} is no {enumeration} of this version")))
    }

    /// Reads a struct that an argument points to, in today's form.
    pub(crate) fn read<T: Copy>(&self, from: *const T) -> Result<T, Failure> {
        if from.is_null() {
            return Err(self.violation("null where a struct belongs".to_owned()));
        }
        let layout = self.layout::<T>()?;
        // SAFETY: the caller gives a struct that is as long as it says; zero bytes are a value of
        // every struct of the bindings.
        unsafe {
            let room = self.check(layout, from.cast())?;
            let mut value = std::mem::zeroed::<T>();
            layout.read(from.cast(), room, (&raw mut value).cast());
            Ok(value)
        }
    }

    /// Reads an array of structs, which lie as far apart as that version's `sizeof` says.
    pub(crate) fn read_all<T: Copy>(
        &self,
        from: *const T,
        count: usize,
    ) -> Result<Vec<T>, Failure> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let stride = self.layout::<T>()?.size;
        let at = |index: usize| from.wrapping_byte_add(index * stride);
        (0..count).map(|index| self.read(at(index))).collect()
    }

    /// Writes a struct of the caller in the form of that version.
    pub(crate) fn write<T: Copy>(&self, value: &T, to: *mut T) -> Outcome {
        let layout = self.layout::<T>()?;
        // SAFETY: the caller's struct is as long as it was at that version.
        unsafe { layout.write((&raw const *value).cast(), to.cast()) };
        Ok(())
    }

    /// `sizeof` of a struct in that version: the stride of arrays.
    pub(crate) fn size<T>(&self) -> Result<usize, Failure> {
        Ok(self.layout::<T>()?.size)
    }

    fn layout<T>(&self) -> Result<&'static Layout, Failure> {
        self.era().layout::<T>().ok_or_else(|| {
            self.violation(format!(
                "{} is not of this version",
                std::any::type_name::<T>()
            ))
        })
    }

    /// Does something on another thread: after the plugin's delay, or as a fault says. It is given
    /// the error that it must end with.
    pub(crate) fn later(&self, job: impl FnOnce(Outcome) + Send + 'static) {
        let mut delay = self.inner.delay;
        let mut outcome = Ok(());
        for fault in &self.faults {
            match fault {
                Fault::Never => {
                    // Kept, so that nothing of it ends; gone with the plugin.
                    self.inner.keep(Box::new(move || job(Ok(()))));
                    return;
                }
                Fault::Slow(time) => delay = *time,
                Fault::Later(failure) => outcome = Err(failure.clone()),
                _ => {}
            }
        }
        self.inner.jobs.fetch_add(1, Ordering::SeqCst);
        let inner = self.inner.clone();
        work::after(delay, move || {
            job(outcome);
            inner.jobs.fetch_sub(1, Ordering::SeqCst);
        });
    }
}
