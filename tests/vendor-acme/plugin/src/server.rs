//! What the plugin answers.

use crate::driver::Board;
use crate::meter;
use crate::probe::{Probe, probe, serialize};
use crate::sockets::Port;
use facts::{AcmeServer, sys};
use pjrt::server::Failure;
use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::sync::atomic::Ordering;

/// The plugin's side, made of the files that the callers' side is made of.
pub(crate) mod facts {
    pjrt::extension_server! {
        schema = "../acme/acme.json",
        overlay = "../acme/acme.toml",
        history = "../acme/acme.history.json",
    }
}

pub(crate) const VERSION: &CStr = c"acme 2.1";

static LIMITS: sys::Acme_Limits = sys::Acme_Limits {
    max_celsius: 95.0,
    max_watts: 300.0,
};

/// Answers for a board.
pub(crate) struct Acme<B>(PhantomData<fn() -> B>);

impl<B: Board> AcmeServer for Acme<B> {
    fn instance() -> &'static Self {
        const { &Acme(PhantomData) }
    }

    fn error(&self, failure: Failure) -> *mut pjrt::sys::PJRT_Error {
        B::driver().error(failure)
    }

    unsafe fn driver_version(&self) -> *const c_char {
        VERSION.as_ptr()
    }

    unsafe fn ticks(&self, device: *mut pjrt::sys::PJRT_Device) -> i64 {
        let driver = B::driver();
        driver.device(device).map_or(0, |_| driver.clock())
    }

    fn background(&self) -> bool {
        true
    }

    fn limits(&self) -> *const sys::Acme_Limits {
        &raw const LIMITS
    }

    unsafe fn probe_create(&self, args: &mut sys::Acme_Probe_Create_Args) -> Result<(), Failure> {
        let driver = B::driver();
        let device = driver.device(args.device)?;
        if args.name_size == 0 {
            return Err(Failure::invalid_argument("expected a name, got none"));
        }
        // SAFETY: the caller's text, which was checked not to be null.
        let name = unsafe { std::slice::from_raw_parts(args.name.cast(), args.name_size) };
        let made = Probe {
            name: String::from_utf8_lossy(name).into_owned(),
            device,
            unit: args.unit,
            samples: [1.5, f64::from(device)],
        };
        args.probe = Box::into_raw(Box::new(made)).cast();
        driver.tally.probes_made.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    unsafe fn probe_destroy(&self, args: &mut sys::Acme_Probe_Destroy_Args) -> Result<(), Failure> {
        let probe = args.probe.cast::<Probe>();
        if !probe.is_null() {
            // SAFETY: the handle is the caller's own and is used no more.
            drop(unsafe { Box::from_raw(probe) });
            let tally = &B::driver().tally;
            tally.probes_freed.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    unsafe fn probe_read(&self, args: &mut sys::Acme_Probe_Read_Args) -> Result<(), Failure> {
        // SAFETY: the caller's handle.
        let probe = unsafe { probe(args.probe) }?;
        let reading = B::driver().measure(probe.device, probe.unit);
        args.value = reading.value;
        args.unit = reading.unit;
        args.nanoseconds = reading.nanoseconds;
        Ok(())
    }

    unsafe fn probe_samples(&self, args: &mut sys::Acme_Probe_Samples_Args) -> Result<(), Failure> {
        // SAFETY: the caller's handle.
        let probe = unsafe { probe(args.probe) }?;
        args.samples = probe.samples.as_ptr();
        args.num_samples = probe.samples.len();
        Ok(())
    }

    unsafe fn probe_serialize(
        &self,
        args: &mut sys::Acme_Probe_Serialize_Args,
    ) -> Result<(), Failure> {
        // SAFETY: the caller's handle.
        serialize::<B>(unsafe { probe(args.probe) }?, args);
        Ok(())
    }

    unsafe fn probe_flush(&self, args: &mut sys::Acme_Probe_Flush_Args) -> Result<(), Failure> {
        // SAFETY: the caller's handle.
        let probe = unsafe { probe(args.probe) }?;
        let stuck = probe.name == "stuck";
        args.done = B::driver().books()?.event(move || {
            if stuck {
                let code = pjrt::ErrorCode::DATA_LOSS.as_raw();
                return Err(pjrt_mock::Failure::new(code, "the probe is stuck"));
            }
            let tally = &B::driver().tally;
            tally.flushes.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        Ok(())
    }

    unsafe fn probe_watch(&self, args: &mut sys::Acme_Probe_Watch_Args) -> Result<(), Failure> {
        args.bytes = B::driver().buffer_bytes(args.buffer)? as u64;
        Ok(())
    }

    unsafe fn device_set_power_mode(
        &self,
        args: &mut sys::Acme_Device_SetPowerMode_Args,
    ) -> Result<(), Failure> {
        let driver = B::driver();
        args.previous = driver.set_mode(driver.device(args.device)?, args.mode)?;
        Ok(())
    }

    unsafe fn device_ports(&self, args: &mut sys::Acme_Device_Ports_Args) -> Result<(), Failure> {
        let driver = B::driver();
        let ports = driver.sockets.around(driver.device(args.device)?);
        args.ports = ports.as_ptr();
        args.num_ports = ports.len();
        Ok(())
    }

    unsafe fn port_label(&self, args: &mut sys::Acme_Port_Label_Args) -> Result<(), Failure> {
        // SAFETY: the caller's handle of a socket, which is never freed.
        let port = unsafe { args.port.cast::<Port>().as_ref() };
        let port = port.ok_or_else(|| Failure::internal("the check let null through"))?;
        args.label = port.label.as_ptr().cast();
        args.label_size = port.label.len();
        Ok(())
    }

    unsafe fn client_uptime(&self, args: &mut sys::Acme_Client_Uptime_Args) -> Result<(), Failure> {
        let driver = B::driver();
        driver.client(args.client)?;
        args.seconds = driver.clock() / 1000;
        Ok(())
    }

    unsafe fn client_last_readings(
        &self,
        args: &mut sys::Acme_Client_LastReadings_Args,
    ) -> Result<(), Failure> {
        let driver = B::driver();
        driver.client(args.client)?;
        (args.readings, args.num_readings) = driver.last_readings();
        Ok(())
    }

    unsafe fn device_on_alarm(
        &self,
        args: &mut sys::Acme_Device_OnAlarm_Args,
    ) -> Result<(), Failure> {
        let driver = B::driver();
        let device = driver.device(args.device)?;
        let Some(call) = args.alarm else {
            return Err(Failure::invalid_argument("expected an alarm, got null"));
        };
        if args.above_celsius.is_nan() {
            let message = "expected degrees Celsius, got no number";
            return Err(Failure::invalid_argument(message));
        }
        driver.alarms.set(device, call, args);
        Ok(())
    }

    unsafe fn device_meter(&self, args: &mut sys::Acme_Device_Meter_Args) -> Result<(), Failure> {
        args.meter = meter::meter::<B>(B::driver().device(args.device)?);
        Ok(())
    }
}
