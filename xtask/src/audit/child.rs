//! The process that loads the plugin. It may crash or hang; what it found before is written.

use std::process::ExitCode;

use pjrt::sys;
use serde_json::json;

use super::calls;
use super::fact::{HEAD, LARGEST, NODE, Order, Teller};
use super::memory::Memory;
use super::step::Step;

/// More nodes than this are no chain.
const LONGEST: usize = 1024;
/// Size of a word.
const WORD: usize = size_of::<usize>();

/// Does what it is told.
pub fn run(order: &str) -> ExitCode {
    let Some(order) = Order::parse(order) else {
        eprintln!("error: this is for `cargo xtask audit` itself; run that");
        return ExitCode::FAILURE;
    };
    let Ok(mut teller) = Teller::open(&order.out) else {
        eprintln!("error: cannot write {}", order.out.display());
        return ExitCode::FAILURE;
    };
    behave();
    audit(&order, &mut teller);
    teller.tell("ended", &json!(true));
    teller.step(Step::Exit);
    ExitCode::SUCCESS
}

/// Leaves no core file, and does not outlive who started it.
fn behave() {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit is a whole struct, and lowering it is allowed to everybody.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
    #[cfg(target_os = "linux")]
    // SAFETY: the call takes one number and touches nothing else.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL)
    };
}

/// All steps, as far as they go.
fn audit(order: &Order, teller: &mut Teller) {
    teller.step(Step::Load);
    // SAFETY: the library's constructors run, which is why this process exists.
    let library = match unsafe { libloading::Library::new(&order.library) } {
        Ok(library) => Box::leak(Box::new(library)),
        Err(error) => return teller.tell("load_error", &json!(message(&error))),
    };
    type GetPjrtApi = unsafe extern "C" fn() -> *const sys::PJRT_Api;
    // SAFETY: the name is the one that PJRT gives to a function of this type.
    let function = match unsafe { library.get::<GetPjrtApi>(b"GetPjrtApi\0") } {
        Ok(function) => function,
        Err(error) => return teller.tell("no_entry", &json!(message(&error))),
    };
    teller.step(Step::Entry);
    // SAFETY: as above; it takes nothing.
    let table = unsafe { function() };
    teller.step(Step::Table);
    let at = table as usize;
    let memory = Memory::now();
    let fault = if table.is_null() {
        Some("null")
    } else if !at.is_multiple_of(WORD) {
        Some("misaligned")
    } else if !memory.has(at, WORD) {
        Some("unreadable")
    } else {
        None
    };
    if let Some(fault) = fault {
        return teller.tell("table_fault", &json!(fault));
    }
    let [size] = words(at);
    teller.tell("size", &json!(size));
    if size < HEAD || !memory.has(at, HEAD) {
        return;
    }
    let [_, chain, version_size, _, numbers] = words(at);
    // The two halves of a word, in the order in which they lie in memory.
    let [a, b, c, d, e, f, g, h] = (numbers as u64).to_ne_bytes();
    let major = i32::from_ne_bytes([a, b, c, d]);
    let minor = i32::from_ne_bytes([e, f, g, h]);
    teller.tell(
        "version",
        &json!({"major": major, "minor": minor, "size": version_size}),
    );
    // What is no table is read no further.
    if size > LARGEST {
        return;
    }
    let minor = u64::try_from(minor).unwrap_or(0);
    let known = order
        .ends
        .iter()
        .find(|row| row[0] == minor && row[1] == size as u64);
    let end = known.map_or(size, |row| {
        usize::try_from(row[2]).unwrap_or(size).max(size)
    });
    let readable = memory.readable(at, end);
    if readable < end {
        teller.tell("readable", &json!(readable));
    }
    teller.tell("slots", &json!(letters(&memory, at, HEAD, readable)));
    teller.step(Step::Chain);
    if major != 0 {
        return;
    }
    walk(order, teller, &memory, chain, minor);
    let moved = known.is_some_and(|row| row[3] == 0);
    if moved {
        return;
    }
    if order.initialize {
        teller.step(Step::Initialize);
        // SAFETY: the table has the bytes that can be read of those that it says it has.
        let copy = unsafe { calls::copy(table, readable) };
        teller.tell("initialized", &calls::initialize(&copy, &memory));
        let memory = Memory::now();
        let readable = memory.readable(at, end);
        teller.tell("slots_after", &json!(letters(&memory, at, HEAD, readable)));
    }
    teller.step(Step::Attributes);
    let memory = Memory::now();
    // SAFETY: as above.
    let copy = unsafe { calls::copy(table, memory.readable(at, end)) };
    let mut sizes = order.attributes.iter().filter(|row| row[0] <= minor);
    let size = sizes
        .next_back()
        .and_then(|row| usize::try_from(row[1]).ok());
    calls::attributes(&copy, size, teller);
}

/// What the loader says, without the words around it.
fn message(error: &libloading::Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

/// The first words at an address.
fn words<const N: usize>(at: usize) -> [usize; N] {
    let mut found = [0; N];
    for (index, word) in found.iter_mut().enumerate() {
        *word = word_at(at.saturating_add(index * WORD));
    }
    found
}

fn word_at(at: usize) -> usize {
    // SAFETY: who asks has seen that the address is mapped for reading, or is in a process whose
    // end is a finding; a plugin's memory may change, and is read once.
    unsafe { (at as *const usize).read_volatile() }
}

/// A letter for every whole word of a table behind its head.
fn letters(memory: &Memory, at: usize, head: usize, end: usize) -> String {
    let places = (head..end / WORD * WORD).step_by(WORD);
    places
        .map(|place| memory.letter(word_at(at.saturating_add(place))))
        .collect()
}

/// The chain, as far as it can be followed.
fn walk(order: &Order, teller: &mut Teller, memory: &Memory, first: usize, minor: u64) {
    if minor < order.chain_since {
        if first != 0 {
            teller.tell("chain_fault", &json!("format"));
        }
        return;
    }
    let mut seen: Vec<usize> = Vec::new();
    let mut next = first;
    while next != 0 {
        let fault = if seen.contains(&next) {
            Some("cycle")
        } else if seen.len() == LONGEST {
            Some("long")
        } else if !next.is_multiple_of(WORD) {
            Some("misaligned")
        } else if !memory.has(next, NODE) {
            Some("unreadable")
        } else {
            None
        };
        if let Some(fault) = fault {
            return teller.tell("chain_fault", &json!(fault));
        }
        seen.push(next);
        let [size, number, after] = words(next);
        // The type is half a word; the other half is padding.
        let [a, b, c, d, ..] = (number as u64).to_ne_bytes();
        let number = u32::from_ne_bytes([a, b, c, d]);
        teller.tell("node", &json!({"number": number, "size": size}));
        if size < NODE {
            return teller.tell("chain_fault", &json!("short"));
        }
        let end = memory.readable(next, size.min(LARGEST));
        teller.tell("node_slots", &json!(letters(memory, next, NODE, end)));
        next = after;
    }
}
