//! What a test works with: a plugin, a client of it, and the question whether all was given back.

use acme::{Acme, Probe, Unit, sys};
use acme_plugin::{Board, Driver, Revision};
use pjrt::{Client, ClientOptions, Device, Error, ErrorCode, Plugin};
use pjrt_mock::Mock;

/// A plugin and a client of it. Its devices have the numbers 0 and 1.
pub struct Bench {
    devices: Vec<Device>,
    pub client: Client,
    pub plugin: Plugin,
    pub driver: &'static Driver,
    ended: Ended,
}

/// Looks at the end whether anything is left of what the plugin handed out.
struct Ended(Mock);

impl Drop for Ended {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let report = self.0.report();
            assert!(report.is_clean(), "the plugin complains: {report:#?}");
        }
    }
}

impl Bench {
    pub fn new<B: Board>(revision: Revision) -> Bench {
        let mock = acme_plugin::plugin::<B>(revision);
        // SAFETY: the plugin's table lives as long as the process.
        let plugin = unsafe { Plugin::from_api(mock.api()) }.unwrap();
        let client = plugin.create_client(&ClientOptions::new()).unwrap();
        Bench {
            devices: client.devices().unwrap(),
            client,
            plugin,
            driver: B::driver(),
            ended: Ended(mock),
        }
    }

    pub fn acme(&self) -> Acme {
        self.plugin.extension().unwrap()
    }

    pub fn device(&self, number: usize) -> &Device {
        &self.devices[number]
    }

    pub fn probe(&self, device: usize, name: &str) -> Probe {
        let acme = self.acme();
        let probe = acme.probe_create(self.device(device), name, Unit::CELSIUS);
        probe.unwrap()
    }

    /// The extension's table, which is the first of the plugin's chain.
    pub fn table(&self) -> *const sys::PJRT_Acme_Extension {
        // SAFETY: the plugin's table lives as long as the process.
        unsafe { (*self.ended.0.api()).extension_start }
            .cast_const()
            .cast()
    }
}

/// Code and message of an error that the plugin reported.
pub fn reported<T>(answer: pjrt::Result<T>) -> (ErrorCode, String) {
    match answer.err() {
        Some(Error::Plugin(error)) => (error.code, error.message.clone()),
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

/// The C function that the plugin's table does not have.
pub fn unimplemented<T>(answer: pjrt::Result<T>) -> &'static str {
    match answer.err() {
        Some(Error::Unimplemented { function, .. }) => function,
        other => panic!("expected a function that is not there, got {other:?}"),
    }
}
