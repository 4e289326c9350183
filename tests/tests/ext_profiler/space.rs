//! Recordings as files and in numbers.

use pjrt::Error;
use pjrt::profiler::{Profiler, XSpace};
use std::fs;
use std::time::Duration;

/// A field with bytes.
fn held(number: u8, inside: &[u8]) -> Vec<u8> {
    let length = u8::try_from(inside.len()).unwrap();
    assert!(length < 128);
    [&[number << 3 | 2, length], inside].concat()
}

/// A field with a small number.
fn small(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

fn event(kind: u8, time: &[u8]) -> Vec<u8> {
    held(4, &[small(1, kind), [&[3 << 3], time].concat()].concat())
}

fn kind(id: u8, name: &str) -> Vec<u8> {
    let inside = [small(1, id), held(2, name.as_bytes())].concat();
    held(4, &[small(1, id), held(2, &inside)].concat())
}

/// A plane with two lines; the names of its events come behind them.
fn space() -> Vec<u8> {
    // 2_000_000 and 6_000_000 picoseconds.
    let (two, six): (&[u8], &[u8]) = (&[0x80, 0x89, 0x7a], &[0x80, 0x9b, 0xee, 0x02]);
    let repeated = [small(1, 7), small(3, 0), small(5, 9)].concat();
    let first = [
        held(2, b"thread"),
        event(1, two),
        event(2, six),
        event(1, two),
    ]
    .concat();
    let second = [held(2, b"raw"), held(11, b"shown"), held(4, &repeated)].concat();
    let plane = [
        held(2, b"/host:CPU"),
        held(3, &first),
        held(3, &second),
        kind(1, "add"),
        kind(2, "multiply"),
    ];
    [held(1, &plane.concat()), held(3, b"a bit late")].concat()
}

#[test]
fn a_recording_is_told_in_numbers() {
    let recorded = XSpace::new(space()).unwrap();
    let all = recorded.summary(usize::MAX);
    let plane = &all.planes[0];
    assert_eq!((plane.name.as_str(), plane.kinds), ("/host:CPU", 3));
    let lines: Vec<_> = plane
        .lines
        .iter()
        .map(|l| (l.name.as_str(), l.events))
        .collect();
    assert_eq!(lines, [("thread", 3), ("shown", 1)]);
    let micros = Duration::from_micros;
    let events: Vec<_> = plane
        .events
        .iter()
        .map(|e| (e.name.as_str(), e.count, e.total))
        .collect();
    assert_eq!(
        events,
        [
            ("multiply", 1, micros(6)),
            ("add", 2, micros(4)),
            ("event 7", 9, micros(0)),
        ]
    );
    assert_eq!(all.warnings, ["a bit late"]);
    let text = recorded.summary(1).to_string();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(lines[0], "/host:CPU: 4 events of 3 kinds on 2 lines");
    assert!(
        lines[1].contains("6µs") && lines[1].ends_with("1 x  multiply"),
        "{text}"
    );
    assert_eq!(lines[2], "warning: a bit late");
    let nothing = XSpace::new(Vec::new()).unwrap();
    assert_eq!(nothing.summary(9).to_string(), "nothing was recorded\n");
}

#[test]
fn bytes_that_are_no_recording_are_refused_wherever_they_break() {
    let whole = space();
    let mut refused = 0;
    for length in 0..whole.len() {
        match XSpace::new(whole[..length].to_vec()) {
            Err(Error::Decode(error)) => {
                assert_eq!(error.message, "tensorflow.profiler.XSpace");
                refused += 1;
            }
            // Between the plane and the warning.
            Ok(space) => assert!(space.summary(0).warnings.is_empty()),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, whole.len() - 2);
}

#[test]
fn a_recording_is_saved_where_viewers_look_and_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = XSpace::new(space()).unwrap();
    let path = recorded.save(folder.path(), "run 1", "host").unwrap();
    let expected = folder.path().join("plugins/profile/run 1/host.xplane.pb");
    assert_eq!(path, expected);
    assert_eq!(fs::read(&path).unwrap(), recorded.as_bytes());
    let nothing = XSpace::new(Vec::new()).unwrap();
    nothing.save(folder.path(), "run 1", "host").unwrap();
    assert_eq!(fs::read(&path).unwrap(), [0u8; 0]);
    let names = |folder: &std::path::Path| fs::read_dir(folder).unwrap().count();
    assert_eq!(names(path.parent().unwrap()), 1);

    for (run, host) in [
        ("..", "host"),
        ("run", ""),
        ("a/b", "host"),
        ("run", "a\\b"),
    ] {
        let error = recorded.save(folder.path(), run, host).unwrap_err();
        assert!(
            error.to_string().contains("cannot be the name of a file"),
            "{error}"
        );
    }
    // A folder is where the file should be: nothing is left behind.
    fs::create_dir_all(
        folder
            .path()
            .join("plugins/profile/run 2/host.xplane.pb/full"),
    )
    .unwrap();
    let error = recorded.save(folder.path(), "run 2", "host").unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert_eq!(names(&folder.path().join("plugins/profile/run 2")), 1);
    // Nor can a folder be made in a file.
    let error = recorded.save(&path, "run", "host").unwrap_err();
    assert!(
        error.to_string().contains("the folder cannot be made"),
        "{error}"
    );
}

#[test]
fn what_libtpu_records_is_read_and_saved() {
    let _alone = super::alone();
    let Some(plugin) = pjrt_tests::plugin("tpu") else {
        return;
    };
    let profiler: Profiler = plugin.extension().unwrap();
    let mut session = profiler.create(&[]).unwrap();
    session.start().unwrap();
    session.stop().unwrap();
    let recorded = XSpace::new(session.collect().unwrap()).unwrap();
    let summary = recorded.summary(5);
    assert!(!summary.planes.is_empty(), "{summary}");
    assert!(
        summary.planes.iter().all(|plane| !plane.name.is_empty()),
        "{summary}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = recorded.save(folder.path(), "run", "host").unwrap();
    assert_eq!(fs::read(path).unwrap(), recorded.as_bytes());
}
