//! Tests in a process of their own: for what would end the process, or never end, if a guard failed.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Says in a child which test it is there for.
const CHILD: &str = "PJRT_TEST_CHILD";

/// How long a child may take. It is only there for those that would never end.
const LIMIT: Duration = Duration::from_secs(120);

/// Whether this process was started for the test.
pub fn is_child(test: &str) -> bool {
    std::env::var_os(CHILD).is_some_and(|child| child == test)
}

/// Runs a test of this program again, alone, in a process of its own, where [`is_child`] says so.
///
/// # Panics
///
/// If the test fails there, ends the process otherwise, or does not end.
pub fn alone(test: &str) {
    let mut command = again(test);
    let (status, said) = ended(command.env(CHILD, test), LIMIT);
    assert!(
        status.is_some(),
        "`{test}` did not end in {LIMIT:?}: {said}"
    );
    assert!(
        status.is_some_and(|status| status.success()),
        "`{test}` ended with {status:?}: {said}"
    );
}

/// This program again, for one of its tests.
///
/// # Panics
///
/// If nobody knows which program this is.
pub fn again(test: &str) -> Command {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => panic!("cannot tell which program this is: {error}"),
    };
    let mut command = Command::new(program);
    command.args(["--exact", test, "--include-ignored", "--nocapture"]);
    command
}

/// Runs a command to its end and gives how it ended, unless it had to be killed, and what it said.
///
/// # Panics
///
/// If it cannot be started or waited for.
pub fn ended(command: &mut Command, limit: Duration) -> (Option<std::process::ExitStatus>, String) {
    let started = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => panic!("cannot start {command:?}: {error}"),
    };
    // Both are read while it runs, or it would wait for a reader.
    let out = child.stdout.take().map(reader);
    let err = child.stderr.take().map(reader);
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(None) => {
                // It may end by itself meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            Err(error) => panic!("cannot wait for {command:?}: {error}"),
        }
    };
    let said = [out, err].into_iter().flatten();
    let said = said.map(|reader| reader.join().unwrap_or_default());
    (status, said.collect())
}

fn reader(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = Vec::new();
        // What was said before an error is what there is to show.
        let _ = from.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    })
}
