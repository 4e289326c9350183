//! What a board's driver knows: the plugin's books, what the devices are set to, and what is still held.

use crate::alarm::Alarms;
use crate::server::facts::sys;
use crate::sockets::Sockets;
use pjrt::server::Failure;
use pjrt_mock::Books;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Stands for one plugin: see [`board!`](crate::board).
pub trait Board: Send + Sync + 'static {
    /// The board's driver.
    fn driver() -> &'static Driver;
}

/// The driver of a board.
pub struct Driver {
    books: OnceLock<Books>,
    clock: AtomicI64,
    modes: Mutex<BTreeMap<i32, sys::Acme_PowerMode>>,
    last: Mutex<BTreeMap<i32, sys::Acme_Reading>>,
    /// Arrays that were given out: they live as long as the client, and so as long as this.
    lists: Mutex<Vec<Vec<sys::Acme_Reading>>>,
    pub(crate) sockets: Sockets,
    pub(crate) alarms: Alarms,
    pub(crate) tally: Tally,
}

/// What callers hold, as it changes.
pub(crate) struct Tally {
    pub(crate) probes_made: AtomicUsize,
    pub(crate) probes_freed: AtomicUsize,
    pub(crate) holders: AtomicUsize,
    pub(crate) flushes: AtomicUsize,
    pub(crate) meters: AtomicUsize,
    pub(crate) references: AtomicUsize,
}

/// What callers hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Probes that were made.
    pub probes_made: usize,
    /// Probes that were freed.
    pub probes_freed: usize,
    /// Holders of serialized probes that are not freed yet.
    pub holders: usize,
    /// Flushes that are through.
    pub flushes: usize,
    /// Meters that live.
    pub meters: usize,
    /// References to meters.
    pub references: usize,
    /// Alarms whose data was not given back yet.
    pub alarms: usize,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(failure: pjrt_mock::Failure) -> Failure {
    Failure::invalid_argument(failure.text())
}

impl Driver {
    /// A driver that has not begun.
    pub const fn new() -> Driver {
        Driver {
            books: OnceLock::new(),
            clock: AtomicI64::new(5000),
            modes: Mutex::new(BTreeMap::new()),
            last: Mutex::new(BTreeMap::new()),
            lists: Mutex::new(Vec::new()),
            sockets: Sockets::new(),
            alarms: Alarms::new(),
            tally: Tally {
                probes_made: AtomicUsize::new(0),
                probes_freed: AtomicUsize::new(0),
                holders: AtomicUsize::new(0),
                flushes: AtomicUsize::new(0),
                meters: AtomicUsize::new(0),
                references: AtomicUsize::new(0),
            },
        }
    }

    pub(crate) fn begin(&self, books: Books) {
        self.books.get_or_init(|| books);
    }

    pub(crate) fn books(&self) -> Result<&Books, Failure> {
        let none = || Failure::internal("the driver has not begun");
        self.books.get().ok_or_else(none)
    }

    /// The plugin's error. Null only where there is no plugin, and so nobody to call.
    pub(crate) fn error(&self, failure: Failure) -> *mut pjrt::sys::PJRT_Error {
        let failure = pjrt_mock::Failure::new(failure.code.as_raw(), failure.message);
        let books = self.books.get();
        books.map_or(std::ptr::null_mut(), |books| books.error(failure))
    }

    pub(crate) fn device(&self, handle: *mut pjrt::sys::PJRT_Device) -> Result<i32, Failure> {
        self.books()?.device(handle).map_err(refused)
    }

    pub(crate) fn client(&self, handle: *mut pjrt::sys::PJRT_Client) -> Result<(), Failure> {
        self.books()?.client(handle).map_err(refused)
    }

    pub(crate) fn buffer_bytes(
        &self,
        handle: *mut pjrt::sys::PJRT_Buffer,
    ) -> Result<usize, Failure> {
        self.books()?.buffer_bytes(handle).map_err(refused)
    }

    /// Ticks of the board's clock, which stands still between measurements.
    pub(crate) fn clock(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// Measures a device: 20 and its number, by a clock that has moved on.
    pub(crate) fn measure(&self, device: i32, unit: sys::Acme_Unit) -> sys::Acme_Reading {
        let nanoseconds = self.clock.fetch_add(1000, Ordering::SeqCst) + 1000;
        let mut reading = sys::Acme_Reading::zeroed();
        reading.nanoseconds = nanoseconds;
        reading.value = 20.0 + f64::from(device);
        reading.unit = unit;
        lock(&self.last).insert(device, reading);
        reading
    }

    /// The last measurements in an array that lives on, and their number.
    pub(crate) fn last_readings(&self) -> (*mut sys::Acme_Reading, usize) {
        let mut list: Vec<_> = lock(&self.last).values().copied().collect();
        let answer = (list.as_mut_ptr(), list.len());
        lock(&self.lists).push(list);
        answer
    }

    /// Changes a device's mode and gives the one before.
    pub(crate) fn set_mode(
        &self,
        device: i32,
        mode: sys::Acme_PowerMode,
    ) -> Result<sys::Acme_PowerMode, Failure> {
        const KNOWN: [sys::Acme_PowerMode; 3] = [sys::kEco, sys::kBalanced, sys::kBoost];
        if !KNOWN.contains(&mode) {
            let message = format!("expected -1, 0 or 4 for the mode, got {}", mode.0);
            return Err(Failure::invalid_argument(message));
        }
        let before = lock(&self.modes).insert(device, mode);
        Ok(before.unwrap_or(sys::kBalanced))
    }

    /// Makes a device so hot, and has its alarm called on another thread if that is too much. It
    /// returns when the alarm has; false if none was called.
    pub fn heat(&self, device: i32, celsius: f64) -> bool {
        self.alarms.heat(device, celsius)
    }

    /// Ends the alarms of all devices.
    pub fn end_alarms(&self) {
        self.alarms.end();
    }

    /// What callers hold now.
    pub fn counts(&self) -> Counts {
        let get = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        let tally = &self.tally;
        Counts {
            probes_made: get(&tally.probes_made),
            probes_freed: get(&tally.probes_freed),
            holders: get(&tally.holders),
            flushes: get(&tally.flushes),
            meters: get(&tally.meters),
            references: get(&tally.references),
            alarms: self.alarms.held(),
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Driver").field(&self.counts()).finish()
    }
}

impl Default for Driver {
    fn default() -> Driver {
        Driver::new()
    }
}
