//! Books of a plugin's objects: what it handed out, and what came back.
//!
//! [`counted`] loads a plugin through a copy of its table, as a recording does, which writes down
//! each object that a function gives to its caller and each that a destructor takes. The facts say
//! which fields hold objects, and the overlay which of those the caller owns. Errors are objects
//! too, those that a callback gets among them; so is what has a deleter of its own, such as the
//! bytes of a program.
//!
//! If `PJRT_COUNT_OBJECTS` is set, the CPU plugin is loaded so for all tests of a process, which
//! fails at its end if an object is left.

mod moves;

pub(crate) use moves::Moves;

use pjrt::Plugin;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The variable that asks for books in all tests.
const COUNT: &str = "PJRT_COUNT_OBJECTS";
/// How long other threads may take to destroy what was left to them.
const PATIENCE: Duration = Duration::from_secs(5);

/// The objects of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// How many the plugin handed out.
    pub made: usize,
    /// How many were destroyed.
    pub ended: usize,
    /// How many were destroyed that were not there: twice, or nobody saw them come.
    pub unknown: usize,
}

impl Account {
    /// How many are left.
    pub fn left(&self) -> usize {
        self.made.saturating_sub(self.ended)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Account {
            made,
            ended,
            unknown,
        } = self;
        write!(f, "{made} made, {ended} destroyed, {unknown} unknown")
    }
}

#[derive(Debug, Default)]
struct Pages {
    accounts: BTreeMap<String, Account>,
    /// How many live at an address, by type.
    live: BTreeMap<(String, usize), usize>,
}

/// The objects of a plugin, by the names of their C types.
#[derive(Debug, Default)]
pub struct Books(Mutex<Pages>);

impl Books {
    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The accounts as they are.
    pub fn accounts(&self) -> BTreeMap<String, Account> {
        self.lock().accounts.clone()
    }

    /// Whether exactly these are left, how many of which type in the order of the types' names, and
    /// nothing was destroyed that was not there.
    ///
    /// # Errors
    ///
    /// All accounts, if it is otherwise.
    pub fn check(&self, left: &[(&str, usize)]) -> Result<(), String> {
        let accounts = self.accounts();
        let is = accounts
            .iter()
            .map(|(kind, account)| (kind.as_str(), account.left()))
            .filter(|(_, left)| *left > 0);
        if is.eq(left.iter().copied()) && accounts.values().all(|account| account.unknown == 0) {
            return Ok(());
        }
        let lines = accounts
            .iter()
            .map(|(kind, account)| format!("{kind}: {account}"));
        Err(lines.collect::<Vec<_>>().join("\n"))
    }

    /// The same, once other threads have destroyed what was left to them.
    ///
    /// # Errors
    ///
    /// All accounts, if that does not come to be.
    pub fn settle(&self, left: &[(&str, usize)]) -> Result<(), String> {
        let start = Instant::now();
        loop {
            match self.check(left) {
                Err(_) if start.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                settled => return settled,
            }
        }
    }

    fn made(&self, kind: &str, object: usize) {
        if object != 0 {
            let mut pages = self.lock();
            pages.accounts.entry(kind.to_owned()).or_default().made += 1;
            *pages.live.entry((kind.to_owned(), object)).or_default() += 1;
        }
    }

    fn ended(&self, kind: &str, object: usize) {
        if object == 0 {
            return;
        }
        let mut pages = self.lock();
        let here = match pages.live.get_mut(&(kind.to_owned(), object)) {
            Some(here) if *here > 0 => {
                *here -= 1;
                true
            }
            _ => false,
        };
        let account = pages.accounts.entry(kind.to_owned()).or_default();
        match here {
            true => account.ended += 1,
            false => account.unknown += 1,
        }
    }
}

/// Loads a plugin's library so that its objects are counted, in books of their own each time.
///
/// # Panics
///
/// If the library cannot be loaded.
pub fn counted(name: &str, library: &Path) -> (Plugin, Arc<Books>) {
    let books = Arc::new(Books::default());
    let table = crate::record::counting(name, library, Arc::clone(&books));
    // SAFETY: the table stands for that of the plugin, which stays loaded.
    let plugin = unsafe { Plugin::from_api(table) };
    (plugin.unwrap(), books)
}

/// Whether all tests of this process count the plugin's objects.
pub(crate) fn wanted(name: &str) -> bool {
    name == "cpu" && std::env::var_os(COUNT).is_some()
}

/// The plugin with books that must be even when the process ends; the same each time.
pub(crate) fn until_exit(name: &str, library: &Path) -> Plugin {
    static COUNTED: OnceLock<(Plugin, Arc<Books>)> = OnceLock::new();
    extern "C" fn close() {
        crate::end_cpu();
        let Some((_, books)) = COUNTED.get() else {
            return;
        };
        if let Err(accounts) = books.settle(&[]) {
            eprintln!("objects of the plugin are left:\n{accounts}");
            // SAFETY: it ends the process, and takes nothing but a number.
            unsafe { libc::_exit(101) };
        }
        let objects: usize = books.accounts().values().map(|account| account.made).sum();
        eprintln!("all {objects} objects of the plugin were destroyed");
    }
    let (plugin, _) = COUNTED.get_or_init(|| {
        let counted = counted(name, library);
        // SAFETY: the function takes nothing, does not unwind, and stays where it is.
        assert_eq!(unsafe { libc::atexit(close) }, 0);
        counted
    });
    *plugin
}
