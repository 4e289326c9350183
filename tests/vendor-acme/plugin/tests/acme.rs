//! The crate `acme` against a plugin that offers the extension: every method, one behaviour a test.

#[path = "acme/bench.rs"]
mod bench;
#[path = "acme/older.rs"]
mod older;

use acme::{Acme, Limits, PowerMode, Reading, Unit, sys};
use acme_plugin::{Counts, Revision, board};
use bench::{Bench, reported};
use pjrt::{Error, ErrorCode, Extension};
use std::sync::mpsc::channel;
use std::thread;

board!(Version);

#[test]
fn the_table_tells_of_the_driver() {
    let bench = Bench::new::<Version>(Revision::Newest);
    let acme = bench.acme();
    assert_eq!(acme.driver_version().unwrap(), "acme 2.1");
    assert!(acme.measures_in_background());
    let limits = acme.limits().unwrap().unwrap();
    assert_eq!((limits.max_celsius, limits.max_watts), (95.0, 300.0));
    assert_eq!(acme.ticks(bench.device(0)).unwrap(), 5000);
    assert_eq!(Acme::NAME, "Acme");
    let _: Limits = limits;
    // The deprecated slot is null.
    // SAFETY: the table lives as long as the process and is that of the header.
    assert!(unsafe { (*bench.table()).calibrate }.is_null());
}

board!(Measuring);

#[test]
fn a_probe_measures_and_tells_the_time() {
    let bench = Bench::new::<Measuring>(Revision::Newest);
    let acme = bench.acme();
    let probe = acme.probe_create(bench.device(1), "inlet", Unit::HERTZ);
    let probe = probe.unwrap();
    let measured = probe.read().unwrap();
    assert_eq!((measured.value, measured.unit), (21.0, Unit::HERTZ));
    assert_eq!(measured.nanoseconds, Some(6000));
    assert_eq!(probe.read().unwrap().nanoseconds, Some(7000));
    assert_eq!(acme.ticks(bench.device(1)).unwrap(), 7000);
}

board!(Sampling);

#[test]
fn samples_are_borrowed_from_their_probe() {
    let bench = Bench::new::<Sampling>(Revision::Newest);
    let probe = bench.probe(1, "inlet");
    let samples = probe.samples().unwrap();
    assert_eq!(samples, [1.5, 1.0]);
    probe.read().unwrap();
    assert_eq!(samples, probe.samples().unwrap());
}

board!(Dropping);

#[test]
fn a_probe_is_destroyed_once_when_it_is_dropped() {
    let bench = Bench::new::<Dropping>(Revision::Newest);
    let counts = || {
        let counts = bench.driver.counts();
        (counts.probes_made, counts.probes_freed)
    };
    let first = bench.probe(0, "first");
    let second = bench.probe(1, "second");
    assert_eq!(counts(), (2, 0));
    drop(first);
    assert_eq!(counts(), (2, 1));
    // It may be sent to another thread, and end there.
    thread::spawn(move || drop(second)).join().unwrap();
    assert_eq!(counts(), (2, 2));
    // A probe that outlives everything else of its caller's.
    let last = bench.probe(0, "last");
    drop(bench.client);
    drop(last);
    let counts = bench.driver.counts();
    assert_eq!((counts.probes_made, counts.probes_freed), (3, 3));
}

board!(Bytes);

#[test]
fn serialized_bytes_are_the_callers_and_freed_once() {
    let bench = Bench::new::<Bytes>(Revision::Newest);
    let probe = bench.probe(1, "inlet");
    let bytes = probe.serialize().unwrap();
    let more = probe.serialize().unwrap();
    drop(probe);
    assert_eq!(&bytes[..], b"inlet@1");
    assert_eq!(bench.driver.counts().holders, 2);
    drop(bytes);
    assert_eq!(&more[..], b"inlet@1");
    drop(more);
    assert_eq!(bench.driver.counts().holders, 0);
}

board!(Flushing);

#[test]
fn a_flush_ends_in_the_background() {
    let bench = Bench::new::<Flushing>(Revision::Newest);
    let done = bench.probe(0, "inlet").flush().unwrap();
    // The probe is gone already.
    done.wait().unwrap();
    assert!(done.is_ready().unwrap());
    assert_eq!(bench.driver.counts().flushes, 1);
    let stuck = bench.probe(0, "stuck").flush().unwrap();
    let (code, message) = reported(stuck.wait());
    assert_eq!(code, ErrorCode::DATA_LOSS);
    assert_eq!(message, "the probe is stuck");
    assert_eq!(bench.driver.counts().flushes, 1);
}

board!(Watching);

#[test]
fn a_probe_sees_how_large_a_buffer_is() {
    let bench = Bench::new::<Watching>(Revision::Newest);
    let probe = bench.probe(0, "inlet");
    let client = &bench.client;
    let buffer = client.buffer_from_slice(&[1i64, 2, 3], &[3]).unwrap();
    assert_eq!(probe.watch(&buffer).unwrap(), 24);
}

board!(Modes);

#[test]
fn a_mode_gives_the_one_before() {
    let bench = Bench::new::<Modes>(Revision::Newest);
    let acme = bench.acme();
    let set = |mode| acme.device_set_power_mode(bench.device(1), mode);
    assert_eq!(set(PowerMode::BOOST).unwrap(), PowerMode::BALANCED);
    assert_eq!(set(PowerMode::ECO).unwrap(), PowerMode::BOOST);
    assert_eq!(set(PowerMode::BALANCED).unwrap(), PowerMode::ECO);
}

board!(Labels);

#[test]
fn ports_of_a_device_have_labels() {
    let bench = Bench::new::<Labels>(Revision::Newest);
    let acme = bench.acme();
    let ports = acme.device_ports(bench.device(1)).unwrap();
    let labels: Vec<_> = ports.iter().map(|port| port.label().unwrap()).collect();
    assert_eq!(labels, ["left of 1", "right of 1"]);
    let port = ports[0].clone();
    drop(ports);
    let text = thread::spawn(move || port.label().unwrap().to_owned());
    assert_eq!(text.join().unwrap(), "left of 1");
}

board!(Clients);

#[test]
fn a_client_tells_its_uptime_and_the_last_readings() {
    let bench = Bench::new::<Clients>(Revision::Newest);
    let acme = bench.acme();
    assert_eq!(acme.client_uptime(&bench.client).unwrap(), 5);
    assert_eq!(acme.client_last_readings(&bench.client).unwrap(), []);
    for number in [1, 0, 1] {
        bench.probe(number, "inlet").read().unwrap();
    }
    let readings: Vec<Reading> = acme.client_last_readings(&bench.client).unwrap();
    let all: Vec<_> = readings
        .iter()
        .map(|reading| (reading.value, reading.unit, reading.nanoseconds))
        .collect();
    assert_eq!(
        all,
        [(20.0, Unit::CELSIUS, 7000), (21.0, Unit::CELSIUS, 8000)]
    );
    assert_eq!(acme.client_uptime(&bench.client).unwrap(), 8);
}

board!(Refusing);

#[test]
fn errors_have_the_plugins_code_and_message() {
    let bench = Bench::new::<Refusing>(Revision::Newest);
    let acme = bench.acme();
    let device = bench.device(0);
    let answers = [
        (
            reported(acme.probe_create(device, "", Unit::WATT)),
            "expected a name, got none",
        ),
        (
            reported(
                acme.device_set_power_mode(device, PowerMode::from_raw(sys::Acme_PowerMode(9))),
            ),
            "expected -1, 0 or 4 for the mode, got 9",
        ),
        (
            reported(acme.on_alarm(device, f64::NAN, |_, _| {})),
            "expected degrees Celsius, got no number",
        ),
    ];
    for ((code, message), expected) in answers {
        assert_eq!(code, ErrorCode::INVALID_ARGUMENT);
        assert_eq!(message, expected);
    }
    // A closure that was refused is not kept; nothing was made.
    assert_eq!(bench.driver.counts(), Counts::default());
}

board!(Hot);

#[test]
fn an_alarm_runs_on_another_thread() {
    let bench = Bench::new::<Hot>(Revision::Newest);
    let (tell, told) = channel();
    let alarm = move |celsius: f64, text: &str| {
        let said = (celsius, text.to_owned(), thread::current().id());
        tell.send(said).unwrap();
    };
    bench.acme().on_alarm(bench.device(1), 80.0, alarm).unwrap();
    assert!(!bench.driver.heat(1, 80.0));
    assert!(!bench.driver.heat(0, 99.0));
    assert!(bench.driver.heat(1, 80.5));
    let (celsius, text, thread) = told.recv().unwrap();
    assert_eq!((celsius, text.as_str()), (80.5, "device 1 is too hot"));
    assert_ne!(thread, thread::current().id());
    bench.driver.end_alarms();
    // The closure is gone, and its sender with it.
    assert!(told.recv().is_err());
}

board!(Replacing);

#[test]
fn a_replaced_alarm_gives_its_closure_back() {
    let bench = Bench::new::<Replacing>(Revision::Newest);
    let acme = bench.acme();
    let kept = [(), ()].map(|()| std::sync::Arc::new(()));
    for one in &kept {
        let one = one.clone();
        let alarm = move |_: f64, _: &str| drop(one.clone());
        acme.on_alarm(bench.device(0), 1.0, alarm).unwrap();
    }
    let holders = || kept.each_ref().map(std::sync::Arc::strong_count);
    assert_eq!(holders(), [1, 2]);
    assert_eq!(bench.driver.counts().alarms, 1);
    bench.driver.end_alarms();
    assert_eq!(holders(), [1, 1]);
    assert_eq!(bench.driver.counts().alarms, 0);
}

board!(Panicking);

#[test]
fn a_panic_of_an_alarm_stays_in_it() {
    let bench = Bench::new::<Panicking>(Revision::Newest);
    let (tell, told) = channel();
    let alarm = move |celsius: f64, _: &str| {
        tell.send(celsius).unwrap();
        panic!("the alarm of this test panics");
    };
    bench.acme().on_alarm(bench.device(0), 1.0, alarm).unwrap();
    assert!(bench.driver.heat(0, 2.0));
    assert!(bench.driver.heat(0, 3.0));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [2.0, 3.0]);
    bench.driver.end_alarms();
    assert_eq!(bench.driver.counts().alarms, 0);
}

board!(Meters);

#[test]
fn a_meters_reference_is_given_up() {
    let bench = Bench::new::<Meters>(Revision::Newest);
    let acme = bench.acme();
    let counts = || {
        let counts = bench.driver.counts();
        (counts.meters, counts.references)
    };
    let meter = acme.meter(bench.device(1)).unwrap();
    let other = acme.meter(bench.device(0)).unwrap();
    assert_eq!(counts(), (2, 2));
    assert_eq!(meter.ticks().unwrap(), 0);
    assert_eq!(meter.measure().unwrap(), (21.0, Unit::WATT));
    assert_eq!(other.measure().unwrap(), (20.0, Unit::WATT));
    meter.measure().unwrap();
    assert_eq!(meter.ticks().unwrap(), 2);
    let (code, message) = reported(meter.measure());
    assert_eq!(code, ErrorCode::UNAVAILABLE);
    assert_eq!(message, "the meter is worn out after two measurements");
    drop(meter);
    assert_eq!(counts(), (1, 1));
    drop(other);
    assert_eq!(counts(), (0, 0));
}

board!(Mine);
board!(Theirs);

#[test]
fn handles_of_another_plugin_are_refused() {
    let mine = Bench::new::<Mine>(Revision::Newest);
    let theirs = Bench::new::<Theirs>(Revision::Newest);
    let acme = mine.acme();
    let device = theirs.device(0);
    let probe = mine.probe(0, "inlet");
    let buffer = theirs.client.buffer_from_slice(&[1i32], &[1]).unwrap();
    let mode = PowerMode::ECO;
    let answers = [
        acme.probe_create(device, "inlet", Unit::WATT).err(),
        acme.device_set_power_mode(device, mode).err(),
        acme.device_ports(device).err(),
        acme.client_uptime(&theirs.client).err(),
        acme.client_last_readings(&theirs.client).err(),
        acme.on_alarm(device, 1.0, |_, _| {}).err(),
        acme.meter(device).err(),
        acme.ticks(device).err(),
        probe.watch(&buffer).err(),
    ];
    for answer in answers {
        let refused = matches!(
            answer,
            Some(Error::ForeignHandle {
                must_share: "plugin" | "client",
                ..
            })
        );
        assert!(refused, "{answer:?}");
    }
    assert_eq!(theirs.driver.counts(), Counts::default());
    assert_eq!(mine.driver.counts().probes_made, 1);
}

#[test]
fn a_plugin_without_the_extension_says_so() {
    let mock = pjrt_mock::Mock::builder().build();
    // SAFETY: the mock's table lives as long as the process and is what a plugin's is.
    let plugin = unsafe { pjrt::Plugin::from_api(mock.api()) }.unwrap();
    let answer = plugin.extension::<Acme>().err();
    let Some(Error::NoExtension { extension, .. }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(extension, "Acme");
}
