//! Plugins that were built with an older header, or with less than any.

use crate::bench::{Bench, reported, unimplemented};
use acme::{PowerMode, Unit, sys};
use acme_plugin::{Counts, Revision, board};
use std::mem::{offset_of, size_of};

board!(First);

#[test]
fn a_plugin_of_the_first_revision_has_no_meters() {
    let bench = Bench::new::<First>(Revision::First);
    // SAFETY: the table lives as long as the process; its head is there in every revision.
    let size = unsafe { (*bench.table()).base.struct_size };
    assert_eq!(size, offset_of!(sys::PJRT_Acme_Extension, device_meter));
    let answer = bench.acme().meter(bench.device(0));
    assert_eq!(unimplemented(answer), "Acme_Device_Meter");
}

board!(Timeless);

#[test]
fn a_reading_of_the_first_revision_has_no_time() {
    let bench = Bench::new::<Timeless>(Revision::First);
    let probe = bench.probe(1, "inlet");
    let measured = probe.read().unwrap();
    assert_eq!((measured.value, measured.unit), (21.0, Unit::CELSIUS));
    assert_eq!(measured.nanoseconds, None);
    // What lies behind the arguments that the plugin knows is as the caller left it.
    let mut args = sys::Acme_Probe_Read_Args::zeroed();
    args.struct_size = sys::Acme_Probe_Read_Args_STRUCT_SIZE;
    args.probe = probe.as_raw();
    args.nanoseconds = 0x5a5a_5a5a;
    // SAFETY: the slot is in the table of every revision; the probe is live, and the arguments are
    // those of the newest header.
    let error = unsafe { ((*bench.table()).probe_read.unwrap())(&raw mut args) };
    assert!(error.is_null());
    assert_eq!((args.value, args.unit), (21.0, sys::Acme_Unit_Celsius));
    assert_eq!(args.nanoseconds, 0x5a5a_5a5a);
}

board!(Caller);

#[test]
fn a_caller_of_the_first_revision_is_served_by_the_newest_plugin() {
    let bench = Bench::new::<Caller>(Revision::Newest);
    let probe = bench.probe(1, "inlet");
    let mut args = sys::Acme_Probe_Read_Args::zeroed();
    args.struct_size = offset_of!(sys::Acme_Probe_Read_Args, unit) + size_of::<sys::Acme_Unit>();
    args.probe = probe.as_raw();
    args.nanoseconds = 0x5a5a_5a5a;
    // SAFETY: the probe is live, and the arguments are at least as long as they say.
    let error = unsafe { ((*bench.table()).probe_read.unwrap())(&raw mut args) };
    assert!(error.is_null());
    assert_eq!((args.value, args.unit), (21.0, sys::Acme_Unit_Celsius));
    assert_eq!(args.nanoseconds, 0x5a5a_5a5a);
}

board!(Whole);

#[test]
fn everything_else_works_with_the_first_revision() {
    let bench = Bench::new::<Whole>(Revision::First);
    let acme = bench.acme();
    let device = bench.device(1);
    assert_eq!(acme.driver_version().unwrap(), "acme 2.1");
    assert!(acme.measures_in_background());
    assert_eq!(acme.limits().unwrap().unwrap().max_celsius, 95.0);
    assert_eq!(acme.ticks(device).unwrap(), 5000);
    let before = acme.device_set_power_mode(device, PowerMode::ECO).unwrap();
    assert_eq!(before, PowerMode::BALANCED);
    let ports = acme.device_ports(device).unwrap();
    assert_eq!(ports[1].label().unwrap(), "right of 1");
    let probe = bench.probe(1, "inlet");
    assert_eq!(probe.samples().unwrap(), [1.5, 1.0]);
    assert_eq!(&probe.serialize().unwrap()[..], b"inlet@1");
    probe.flush().unwrap().wait().unwrap();
    let buffer = bench.client.buffer_from_slice(&[1u8], &[1]).unwrap();
    assert_eq!(probe.watch(&buffer).unwrap(), 1);
    probe.read().unwrap();
    let readings = acme.client_last_readings(&bench.client).unwrap();
    assert_eq!(readings.len(), 1);
    assert_eq!(acme.client_uptime(&bench.client).unwrap(), 6);
    acme.on_alarm(device, 1.0, |_, _| {}).unwrap();
    assert!(bench.driver.heat(1, 2.0));
    bench.driver.end_alarms();
    let (_, message) = reported(acme.probe_create(device, "", Unit::WATT));
    assert_eq!(message, "expected a name, got none");
    drop(probe);
    let expected = Counts {
        probes_made: 1,
        probes_freed: 1,
        flushes: 1,
        ..Counts::default()
    };
    assert_eq!(bench.driver.counts(), expected);
}

board!(Short);

#[test]
fn functions_behind_the_end_of_a_short_table_are_unimplemented() {
    let bench = Bench::new::<Short>(Revision::Short);
    let acme = bench.acme();
    let device = bench.device(0);
    let probe = bench.probe(0, "inlet");
    assert_eq!(probe.read().unwrap().value, 20.0);
    assert_eq!(acme.driver_version().unwrap(), "acme 2.1");
    let buffer = bench.client.buffer_from_slice(&[1u8], &[1]).unwrap();
    let missing = [
        unimplemented(probe.samples()),
        unimplemented(probe.serialize()),
        unimplemented(probe.flush()),
        unimplemented(probe.watch(&buffer)),
        unimplemented(acme.device_set_power_mode(device, PowerMode::ECO)),
        unimplemented(acme.device_ports(device)),
        unimplemented(acme.client_uptime(&bench.client)),
        unimplemented(acme.client_last_readings(&bench.client)),
        unimplemented(acme.on_alarm(device, 1.0, |_, _| {})),
        unimplemented(acme.meter(device)),
    ];
    assert_eq!(
        missing,
        [
            "Acme_Probe_Samples",
            "Acme_Probe_Serialize",
            "Acme_Probe_Flush",
            "Acme_Probe_Watch_Fn",
            "Acme_Device_SetPowerMode",
            "Acme_Device_Ports",
            "Acme_Client_Uptime",
            "Acme_Client_LastReadings",
            "Acme_Device_OnAlarm",
            "Acme_Device_Meter",
        ]
    );
    assert_eq!(bench.driver.counts().alarms, 0);
}
