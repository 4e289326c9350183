//! Alarms: functions of callers that the driver calls when a device is too hot.

use crate::driver::lock;
use crate::server::facts::sys;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

type Call = unsafe extern "C" fn(f64, *const c_char, usize, *mut c_void);

/// An alarm. Its data goes to the deleter when nobody can call it any more.
struct Alarm {
    above: f64,
    call: Call,
    data: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut c_void)>,
    held: Arc<AtomicUsize>,
}

// SAFETY: who registers an alarm lets any thread call it and end it.
unsafe impl Send for Alarm {}
// SAFETY: as above.
unsafe impl Sync for Alarm {}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(deleter) = self.deleter {
            // SAFETY: the deleter is the data's, and this is its one call.
            unsafe { deleter(self.data) };
        }
        self.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The alarms of a board, by device.
pub(crate) struct Alarms {
    all: Mutex<BTreeMap<i32, Arc<Alarm>>>,
    held: OnceLock<Arc<AtomicUsize>>,
}

impl Alarms {
    pub(crate) const fn new() -> Alarms {
        Alarms {
            all: Mutex::new(BTreeMap::new()),
            held: OnceLock::new(),
        }
    }

    /// Registers an alarm in the place of the device's before.
    pub(crate) fn set(&self, device: i32, call: Call, args: &sys::Acme_Device_OnAlarm_Args) {
        let held = self.held.get_or_init(Arc::default).clone();
        held.fetch_add(1, Ordering::SeqCst);
        let alarm = Arc::new(Alarm {
            above: args.above_celsius,
            call,
            data: args.user_data,
            deleter: args.user_data_deleter,
            held,
        });
        // The lock is free again when the one before goes: its deleter may do anything.
        let before = lock(&self.all).insert(device, alarm);
        drop(before);
    }

    /// Calls the alarm of a device that is so hot, on another thread, and waits for it.
    pub(crate) fn heat(&self, device: i32, celsius: f64) -> bool {
        let alarm = lock(&self.all).get(&device).cloned();
        let Some(alarm) = alarm.filter(|alarm| celsius > alarm.above) else {
            return false;
        };
        let text = format!("device {device} is too hot");
        let call = move || {
            // SAFETY: the function is called with its own data, which the alarm keeps; the text
            // lives through the call.
            unsafe { (alarm.call)(celsius, text.as_ptr().cast(), text.len(), alarm.data) }
        };
        let thread = thread::Builder::new().name("acme-driver".to_owned());
        thread.spawn(call).is_ok_and(|called| called.join().is_ok())
    }

    /// Ends all alarms.
    pub(crate) fn end(&self) {
        let all = std::mem::take(&mut *lock(&self.all));
        drop(all);
    }

    /// How many have not been given back.
    pub(crate) fn held(&self) -> usize {
        let held = self.held.get();
        held.map_or(0, |held| held.load(Ordering::SeqCst))
    }
}
