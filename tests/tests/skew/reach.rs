//! Nobody reads past the end of a table, whatever is absent from it: each table ends at a page that
//! nobody may touch. Tried in a process of its own, which such a read would end.

use crate::guard::{self, Cut};
use crate::oracle::history;
use crate::world::{World, tried};
use pjrt::Error;
use pjrt_mock::Mock;
use std::process::Command;

/// Says that this process is the one that may end.
const CASES: &str = "PJRT_SKEW_CASES";
/// Where the functions of the main table begin that a plugin can do without: behind its version and
/// what reads and frees errors.
const FIRST_SLOT: usize = 72;
/// Where those of an extension's table begin.
const FIRST_OF_NODE: usize = 24;

/// Random numbers that come again from the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("it fits");
        usize::try_from(self.next() % end).expect("it fits")
    }

    /// A part of a table: often whole, sometimes without some slots, sometimes cut short.
    fn cut(&mut self, first: usize, real: usize, said: usize) -> Cut {
        let mut cut = Cut {
            length: real,
            said,
            absent: Vec::new(),
        };
        let slots = real.saturating_sub(first) / 8;
        match self.below(4) {
            0 => {}
            1 => cut.absent.push(first + 8 * self.below(slots)),
            2 => {
                let every = 2 + self.below(8);
                let mut absent: Vec<usize> = (0..slots).map(|slot| first + 8 * slot).collect();
                absent.retain(|_| self.below(every) == 0);
                cut.absent = absent;
            }
            _ => {
                cut.length = first + self.below(real - first + 1);
                cut.said = cut.length;
            }
        }
        cut
    }
}

/// Tries everything on one plugin, made from a seed.
fn case(seed: u64) {
    let mut random = Random(seed);
    let minors = pjrt_mock::minors();
    let minor = minors[random.below(minors.len())];
    let commits = pjrt_mock::commits(minor);
    let keeping: Vec<usize> = commits
        .into_iter()
        .filter(|c| pjrt_mock::keeps_slots(*c))
        .collect();
    let commit = keeping[random.below(keeping.len())];
    let body = history()
        .structure("PJRT_Api")
        .and_then(|item| item.at(commit))
        .expect("a table");
    let real = usize::try_from(body.size).expect("it fits");
    let nodes = history()
        .structure("PJRT_Extension_Base")
        .and_then(|item| item.at(commit));
    let sizes = nodes.is_some_and(|n| n.fields.iter().any(|f| f.name == "struct_size"));
    let said = usize::try_from(body.struct_size.unwrap_or(body.size)).expect("it fits");
    let mut main = random.cut(FIRST_SLOT, real, said);
    // Tables of this minor that say so have more: a shorter one must say something else.
    let known = history().consistent("PJRT_Api", minor, main.said as u64);
    let says = |state: &usize| {
        let body = history()
            .structure("PJRT_Api")
            .and_then(|item| item.at(*state));
        body.is_some_and(|b| b.struct_size == Some(main.said as u64) || b.size == main.said as u64)
    };
    if main.length < real && known.iter().any(says) {
        main = Cut {
            length: real,
            said,
            absent: Vec::new(),
        };
    }
    eprintln!(
        "seed {seed}: 0.{minor}, {} of {real} bytes, {} slots null",
        main.length,
        main.absent.len()
    );
    let builder = Mock::builder().minor(minor).commit(commit);
    let mut complaints = Vec::new();
    let make = |builder: &_| {
        let mut random = Random(seed ^ 1);
        World::through(builder, |mock| {
            let mut of_node = |_, size| random.cut(FIRST_OF_NODE, size, size);
            // SAFETY: the table is the mock's, and no cut is longer.
            unsafe { guard::copy(mock.api(), &main, sizes, &mut of_node) }
        })
    };
    tried(
        &builder,
        make,
        &mut complaints,
        |scenario, _, outcome, all| match outcome {
            Ok(())
            | Err(
                Error::Unimplemented { .. }
                | Error::IncompatibleLayout { .. }
                | Error::NoExtension { .. }
                | Error::TooNew { .. },
            ) => {}
            // What an error is cannot be told without the function that reads it.
            Err(Error::Plugin(error)) if error.code == pjrt::ErrorCode::UNKNOWN => {}
            Err(error) => all.push(format!("{}: {error}", scenario.name)),
        },
    );
    // What a call gives is another test's: without the functions that read errors, codes differ.
    // A panic of the library itself has ended the process by now.
    complaints.retain(|complaint| !complaint.contains("a wrong answer"));
    assert!(
        complaints.is_empty(),
        "seed {seed}: {}",
        complaints.join("\n")
    );
}

/// For random versions and random absent slots. `PJRT_SKEW_SEEDS=FIRST+COUNT` tries others.
#[test]
fn nobody_reads_past_the_end_of_a_table() {
    if let Ok(cases) = std::env::var(CASES) {
        let (first, count) = cases.split_once('+').expect("FIRST+COUNT");
        let (first, count): (u64, u64) = (first.parse().unwrap(), count.parse().unwrap());
        // A scenario may panic, for an answer that it did not expect; the library never does.
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic
                .location()
                .map(|place| place.file())
                .unwrap_or_default();
            if place.contains("pjrt/src/") {
                report(panic);
                std::process::abort();
            }
        }));
        (first..first + count).for_each(case);
        return;
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "reach::nobody_reads_past_the_end_of_a_table",
            "--nocapture",
        ])
        .env(
            CASES,
            std::env::var("PJRT_SKEW_SEEDS").unwrap_or("1+60".to_owned()),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    let last: Vec<&str> = said.lines().rev().take(40).collect();
    let told: Vec<&str> = last.into_iter().rev().collect();
    assert!(run.status.success(), "{}: {}", run.status, told.join("\n"));
}
