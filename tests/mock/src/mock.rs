//! The plugin: how it is made, and what it tells of its caller.

use crate::counts::Counts;
use crate::era::{self, Era};
use crate::ext;
use crate::ext::ffi::Registered;
use crate::failure::Failure;
use crate::fault::Fault;
use crate::key_value::Group;
use crate::ran::Ran;
use crate::registry::Registry;
use crate::stub;
use crate::table::{Looks, Table};
use pjrt_sys as sys;
use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a plugin is made of.
pub(crate) struct Inner {
    pub(crate) place: usize,
    pub(crate) era: &'static Era,
    pub(crate) table: Table,
    pub(crate) exact_sizes: bool,
    pub(crate) delay: Duration,
    /// Devices of a client that asks for no number.
    pub(crate) devices: usize,
    /// Processes that a client meets if it asks for no others.
    pub(crate) group: Group,
    pub(crate) counts: Counts,
    /// Jobs on other threads that have not ended.
    pub(crate) jobs: AtomicUsize,
    registry: Mutex<Registry>,
    registered: Mutex<Registered>,
    states: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    faults: Mutex<BTreeMap<String, Vec<Fault>>>,
    violations: Mutex<Vec<String>>,
    kept: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        lock(&self.registry)
    }

    pub(crate) fn registered(&self) -> MutexGuard<'_, Registered> {
        lock(&self.registered)
    }

    /// What an extension keeps for this plugin.
    pub(crate) fn state<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut states = lock(&self.states);
        let state = states
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(T::default()));
        let state = state.clone().downcast::<T>();
        state.unwrap_or_else(|_| unreachable!("it is kept by its type"))
    }

    pub(crate) fn violation(&self, what: String) {
        lock(&self.violations).push(what);
    }

    pub(crate) fn faults_of(&self, function: &str) -> Vec<Fault> {
        lock(&self.faults)
            .get(function)
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn keep(&self, job: Box<dyn FnOnce() + Send>) {
        lock(&self.kept).push(job);
    }

    /// A handle that the caller must destroy.
    pub(crate) fn give<T: Any + Send + Sync, H>(&self, value: Arc<T>) -> *mut H {
        self.registry().add(value, [0, self.place], true, None) as *mut H
    }

    /// The same, where the caller reads what the handle points to.
    pub(crate) fn give_words<T: Any + Send + Sync, H>(
        &self,
        value: Arc<T>,
        words: [usize; 2],
    ) -> *mut H {
        self.registry().add(value, words, true, None) as *mut H
    }

    /// An error object.
    pub(crate) fn error(&self, failure: Failure) -> *mut sys::PJRT_Error {
        self.give(Arc::new(failure))
    }
}

/// A plugin. Its entry points end with it, so keep it as long as anything of it is used.
pub struct Mock {
    pub(crate) inner: Arc<Inner>,
}

impl Mock {
    /// A plugin of the newest version, to be changed.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The table, as `GetPjrtApi` gives it. It lives as long as the process.
    pub fn api(&self) -> *const sys::PJRT_Api {
        self.inner.table.api.cast()
    }

    /// The minor whose headers the plugin follows.
    pub fn minor(&self) -> u32 {
        self.inner.era.minor
    }

    /// How often a function was called.
    pub fn calls(&self, function: &str) -> u64 {
        self.inner.counts.of(function)
    }

    /// What the last run was given, whatever came of it.
    pub fn last_run(&self) -> Option<Ran> {
        Ran::last(&self.inner)
    }

    /// A promise of an event of a device, as C code would hand it out: it is not kept, and has one
    /// reference, for whoever asks. Null before there were promises.
    pub fn device_event_promise(&self) -> *mut sys::device_event::PJRT_DeviceEventPromise {
        let table = "PJRT_DeviceEventPromise_FunctionTable";
        match self.inner.era.structure(table) {
            Some(_) => ext::promise::give(&self.inner),
            None => std::ptr::null_mut(),
        }
    }

    /// Lets something go wrong in a function from now on.
    pub fn fault(&self, function: &str, fault: Fault) {
        assert!(
            !matches!(fault, Fault::Missing),
            "slots are there or not from the start: ask the builder"
        );
        lock(&self.inner.faults)
            .entry(function.to_owned())
            .or_default()
            .push(fault);
    }

    /// Lets everything go right again.
    pub fn heal(&self) {
        lock(&self.inner.faults).clear();
    }

    /// What the caller did wrong until now.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.inner.violations).clone()
    }

    /// What the caller left behind and did wrong, once everything that goes on has ended.
    pub fn report(&self) -> Report {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let busy = self.inner.jobs.load(Ordering::SeqCst) != 0;
            let leaks = self.inner.registry().alive();
            if (!busy && leaks.is_empty()) || Instant::now() > deadline {
                let violations = lock(&self.inner.violations).clone();
                return Report { leaks, violations };
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// How long a report waits for what goes on, such as handles that another thread drops.
const PATIENCE: Duration = Duration::from_millis(1000);

impl Drop for Mock {
    fn drop(&mut self) {
        lock(&self.inner.kept).clear();
        stub::release(self.inner.place);
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mock")
            .field("minor", &self.minor())
            .finish()
    }
}

/// What a caller left behind and did wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Kinds of objects that were not destroyed, with their numbers.
    pub leaks: Vec<(&'static str, usize)>,
    /// What a caller must not do, as it happened.
    pub violations: Vec<String>,
}

impl Report {
    /// Whether there is nothing to tell.
    pub fn is_clean(&self) -> bool {
        *self == Report::default()
    }
}

/// What a plugin is to be.
#[derive(Clone, Debug)]
pub struct Builder {
    minor: Option<u32>,
    commit: Option<usize>,
    pub(crate) looks: Looks,
    larger_structs: usize,
    exact_sizes: bool,
    delay: Duration,
    devices: usize,
    group: Group,
    missing: Vec<String>,
    faults: BTreeMap<String, Vec<Fault>>,
    extensions: bool,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            minor: None,
            commit: None,
            looks: Looks::default(),
            larger_structs: 0,
            exact_sizes: false,
            delay: Duration::ZERO,
            devices: 2,
            group: Group::default(),
            missing: Vec::new(),
            faults: BTreeMap::new(),
            extensions: true,
        }
    }
}

impl Builder {
    /// Poses as this minor, in its last commit. A minor that is newer than the headers has their
    /// functions.
    pub fn minor(mut self, minor: u32) -> Builder {
        self.minor = Some(minor);
        self
    }

    /// Poses as the headers of a commit, see [`crate::commits`].
    pub fn commit(mut self, commit: usize) -> Builder {
        self.commit = Some(commit);
        self
    }

    /// Poses as a plugin of tomorrow: so many minors after the newest, with slots and extensions
    /// that nobody knows.
    pub fn future(mut self, minors: u32) -> Builder {
        let newest = era::minors().last().copied().unwrap_or(0);
        self.minor = Some(newest + minors);
        self.looks.extra_slots = usize::try_from(minors).unwrap_or(usize::MAX).min(64) + 1;
        self.looks.unknown_extensions = vec![900, 901];
        self
    }

    /// Adds bytes to every struct of arguments, which callers must then give.
    pub fn larger_structs(mut self, bytes: usize) -> Builder {
        self.larger_structs = bytes;
        self
    }

    /// Takes only the very sizes of its own version.
    pub fn exact_sizes(mut self) -> Builder {
        self.exact_sizes = true;
        self
    }

    /// How long everything takes that ends later.
    pub fn delay(mut self, delay: Duration) -> Builder {
        self.delay = delay;
        self
    }

    /// A client is the one of process `node` of `nodes`, and meets the others through its key-value
    /// store when it is made; each must have as many devices. The options `node_id` and `num_nodes`
    /// of a client say otherwise.
    pub fn node(mut self, node: u32, nodes: u32) -> Builder {
        (self.group.node, self.group.nodes) = (node.into(), nodes.into());
        self
    }

    /// How long a client waits for each of the other processes: a minute without this.
    pub fn patience(mut self, patience: Duration) -> Builder {
        self.group.patience = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        self
    }

    /// How many devices a client has that asks for no number.
    pub fn devices(mut self, devices: usize) -> Builder {
        self.devices = devices;
        self
    }

    /// Leaves the slot of a function null.
    pub fn without(mut self, function: &str) -> Builder {
        self.missing.push(function.to_owned());
        self
    }

    /// Has no extensions.
    pub fn without_extensions(mut self) -> Builder {
        self.extensions = false;
        self
    }

    /// Lets the chain of extensions end where it begins.
    pub fn cyclic_chain(mut self) -> Builder {
        self.looks.cyclic = true;
        self
    }

    /// Says this of its size, which may be a lie.
    pub fn table_size(mut self, bytes: usize) -> Builder {
        self.looks.size = Some(bytes);
        self
    }

    /// Says this of its version, which may be a lie.
    pub fn version(mut self, major: i32, minor: i32) -> Builder {
        self.looks.major = major;
        self.looks.minor = Some(minor);
        self
    }

    /// Lets something go wrong in a function.
    pub fn fault(mut self, function: &str, fault: Fault) -> Builder {
        match fault {
            Fault::Missing => self.missing.push(function.to_owned()),
            fault => self
                .faults
                .entry(function.to_owned())
                .or_default()
                .push(fault),
        }
        self
    }

    /// Makes the plugin.
    ///
    /// # Panics
    ///
    /// If the headers never had that minor, and if there are too many plugins at once.
    pub fn build(mut self) -> Mock {
        let newest = era::minors().last().copied().unwrap_or(0);
        let minor = self.minor.unwrap_or(newest);
        if minor > newest && self.looks.minor.is_none() {
            self.looks.minor = i32::try_from(minor).ok();
        }
        let state = self
            .commit
            .or_else(|| era::commits(minor.min(newest)).pop());
        let Some(state) = state else {
            panic!("no headers of minor {minor} are recorded");
        };
        let era = Era::of(state, self.larger_structs);
        let place = stub::reserve();
        let extensions = if self.extensions {
            ext::of(era)
        } else {
            Vec::new()
        };
        let has = |name: &str| !self.missing.iter().any(|missing| missing == name);
        let table = Table::build(era, place, &self.looks, &extensions, has);
        let inner = Arc::new(Inner {
            place,
            era,
            table,
            exact_sizes: self.exact_sizes,
            delay: self.delay,
            devices: self.devices,
            group: self.group,
            counts: Counts::default(),
            jobs: AtomicUsize::new(0),
            registry: Mutex::default(),
            registered: Mutex::default(),
            states: Mutex::default(),
            faults: Mutex::new(self.faults),
            violations: Mutex::default(),
            kept: Mutex::default(),
        });
        stub::settle(place, inner.clone());
        Mock { inner }
    }
}
