//! The functions that have a behaviour.

use crate::call::{Call, Outcome};
use std::any::type_name;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Runs over the bytes of today's arguments.
type Run = dyn Fn(&Call, *mut u8) -> Outcome + Send + Sync;

/// What a function does, over today's arguments.
pub(crate) struct Entry {
    /// Name of the struct of its arguments.
    pub(crate) args: &'static str,
    /// Its size.
    pub(crate) size: usize,
    run: Box<Run>,
}

impl Entry {
    /// Does it.
    ///
    /// # Safety
    ///
    /// `args` points to today's struct of that name, aligned and whole.
    pub(crate) unsafe fn run(&self, call: &Call, args: *mut u8) -> Outcome {
        (self.run)(call, args)
    }
}

/// Behaviours by the name of the C function.
#[derive(Default)]
pub(crate) struct Calls(BTreeMap<&'static str, Entry>);

impl Calls {
    /// Adds the behaviour of a function.
    pub(crate) fn add<A: 'static>(
        &mut self,
        name: &'static str,
        run: fn(&Call, &mut A) -> Outcome,
    ) {
        let path = type_name::<A>();
        let entry = Entry {
            args: path.rsplit("::").next().unwrap_or(path),
            size: size_of::<A>(),
            run: Box::new(move |call, args| {
                // SAFETY: `Entry::run` asks its caller for this struct.
                run(call, unsafe { &mut *args.cast::<A>() })
            }),
        };
        let before = self.0.insert(name, entry);
        assert!(before.is_none(), "{name} has two behaviours");
    }

    /// The behaviour of a function.
    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.0.get(name)
    }

    /// Names and structs of all of them.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.iter().map(|(name, entry)| (*name, entry.args))
    }
}

/// All behaviours.
pub(crate) fn all() -> &'static Calls {
    static CALLS: OnceLock<Calls> = OnceLock::new();
    CALLS.get_or_init(|| {
        let mut all = Calls::default();
        crate::failure::calls(&mut all);
        crate::plugin::calls(&mut all);
        crate::event::calls(&mut all);
        crate::client::calls(&mut all);
        crate::device::calls(&mut all);
        crate::memory::calls(&mut all);
        crate::topology::calls(&mut all);
        crate::buffer::calls(&mut all);
        crate::host::calls(&mut all);
        crate::make::calls(&mut all);
        crate::transfer::calls(&mut all);
        crate::executable::calls(&mut all);
        crate::loaded::calls(&mut all);
        crate::execute::calls(&mut all);
        crate::talk::calls(&mut all);
        crate::ext::calls(&mut all);
        all
    })
}
