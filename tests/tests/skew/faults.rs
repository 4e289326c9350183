//! Whatever a plugin answers, the safe layer gives a typed error or takes it: no panic, no crash, no
//! call that never ends. Tried for each function of the headers with each thing that can be wrong
//! with its answer, under everything that calls it.

use crate::apart;
use crate::oracle::model;
use crate::scenario::{self, Scenario};
use crate::scenes::{self, Scene, Step};
use pjrt::{Error, Plugin};
use pjrt_codegen::lower::inputs::spelt_length;
use pjrt_codegen::schema::{Direction, Field};
use pjrt_mock::{Failure, Fault, Mock};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Counts and numbers that no plugin means: more than memory can hold, the greatest of each width,
/// and what is below zero where a field has a sign.
const ABSURD: [u64; 3] = [u64::MAX, 1 << 62, 0x7fff_ffff_ffff_ffff];

/// Everything that can be wrong with the answer of a function, each with a name.
fn faults(function: &str) -> Vec<(String, Fault)> {
    let told = Failure::new(
        pjrt::sys::PJRT_Error_Code_DEADLINE_EXCEEDED,
        "as it was told",
    );
    let mut all = vec![
        ("an error".to_owned(), Fault::Error(told.clone())),
        ("a larger struct".to_owned(), Fault::LargerMinimum(8)),
        ("an error later".to_owned(), Fault::Later(told)),
        ("late".to_owned(), Fault::Slow(Duration::from_millis(3))),
    ];
    let item = model().function(function).expect("a function");
    let Some(args) = item
        .args
        .as_deref()
        .and_then(|name| model().structure(name))
    else {
        return all;
    };
    let out = |field: &&Field| {
        field.name != "struct_size"
            && !model().reserved(function, &field.name)
            && model().direction(function, field) != Direction::In
    };
    for field in args.fields.iter().filter(out) {
        let name: &'static str = &field.name;
        if field.ty == "void*" && (name.ends_with("_arg") || name.ends_with("_data")) {
            // The plugin's own, given back to its functions: null says nothing.
            continue;
        }
        if field.ty.contains('*') {
            all.push((format!("null in {name}"), Fault::Null(name)));
            let said = model().field_entry(function, name);
            let length = said.and_then(|entry| entry.len.as_deref());
            let length = length.or_else(|| spelt_length(args, name));
            // Bytes that are freed by their address must be the plugin's.
            let freed = args
                .fields
                .iter()
                .any(|f| f.name == format!("{name}_deleter"));
            if let (true, Some(length)) = (field.ty.ends_with("char*") && !freed, length) {
                let fault = Fault::BadText(name, length);
                all.push((format!("bad text in {name}"), fault));
            }
        } else if field.size <= 8 {
            let values = if field.size == 1 { &[1][..] } else { &ABSURD };
            for value in values {
                let fault = Fault::Value(name, *value);
                all.push((format!("{value:#x} in {name}"), fault));
            }
        }
    }
    all
}

/// What the library is tried with.
#[derive(Clone, Copy)]
enum Trial {
    Scenario(Scenario),
    Step(Step),
}

impl Trial {
    fn all() -> Vec<Trial> {
        let scenarios = scenario::all().into_iter().map(Trial::Scenario);
        let steps = [&scenes::all(), &scenes::calls(), scenes::OLD].concat();
        scenarios
            .chain(steps.into_iter().map(Trial::Step))
            .collect()
    }

    fn name(&self) -> &'static str {
        match self {
            Trial::Scenario(scenario) => scenario.name,
            Trial::Step((name, _)) => name,
        }
    }

    fn run(&self, mock: &Mock, plugin: &Plugin) -> Result<(), Error> {
        match self {
            Trial::Scenario(scenario) => (scenario.run)(plugin),
            Trial::Step((_, step)) => {
                step(&Scene::new(mock, *plugin));
                Ok(())
            }
        }
    }
}

/// A plugin that is wrong in this way; none if it is so wrong that it is not loaded.
fn loaded(minor: u32, wrong: Option<(&str, &Fault)>) -> Option<(Mock, Plugin)> {
    let mut builder = Mock::builder().minor(minor);
    if let Some((function, fault)) = wrong {
        builder = builder.fault(function, fault.clone());
    }
    let mock = builder.build();
    // SAFETY: the table is the mock's and lives as long as the process.
    let plugin = unsafe { Plugin::from_api(mock.api()) };
    match plugin {
        Ok(plugin) => Some((mock, plugin)),
        Err(error) => {
            assert!(wrong.is_some(), "{error}");
            None
        }
    }
}

/// What calls which function of a plugin that is as it should be.
fn callers(minor: u32) -> BTreeMap<&'static str, Vec<Trial>> {
    let mut callers: BTreeMap<&str, Vec<Trial>> = BTreeMap::new();
    for trial in Trial::all() {
        let (mock, plugin) = loaded(minor, None).expect("a plugin");
        let ran = catch_unwind(AssertUnwindSafe(|| trial.run(&mock, &plugin)));
        if !matches!(ran, Ok(Ok(()))) {
            // Of an extension that this version does not have.
            continue;
        }
        // What is dropped on another thread is called a little later.
        mock.report();
        for function in pjrt_mock::implemented() {
            if mock.calls(function) > 0 {
                callers.entry(function).or_default().push(trial);
            }
        }
    }
    callers
}

/// Who can wait for ever where nobody can help: what they wait for lies within the plugin, which
/// refuses the one call that ends it, or on another host, to which nothing is sent.
const HELPLESS: &[(&str, &str)] = &[
    ("PJRT_Event_Set", "own_events_forgotten"),
    ("PJRT_Buffer_CopyToRemoteDevice", "by_descriptors"),
];

/// Whether somebody must hear of a fault: of an error, but for one of a function that ends something
/// when it is dropped, or that answers nothing.
fn must_be_told(function: &str, fault: &Fault) -> bool {
    let ends = ["Destroy", "destroy", "Delete", "Free"];
    let answers = model().function(function);
    let answers = answers.is_some_and(|f| f.signature.returns != "void");
    matches!(fault, Fault::Error(_)) && answers && !ends.iter().any(|end| function.contains(end))
}

/// What came of a fault: how many of those who met it were told, and what there is to complain of.
#[derive(Default)]
struct Came {
    told: usize,
    complaints: Vec<String>,
}

fn tried(minor: u32, function: &str, fault: &Fault, trials: &[Trial], what: &str) -> Came {
    let mut came = Came::default();
    for trial in trials {
        let what = format!("{what}, {}", trial.name());
        if HELPLESS.contains(&(function, trial.name())) {
            continue;
        }
        let Some((mock, plugin)) = loaded(minor, Some((function, fault))) else {
            came.told += 1;
            return came;
        };
        let mock = Arc::new(mock);
        let (inside, trial) = (Arc::clone(&mock), *trial);
        let run = move || catch_unwind(AssertUnwindSafe(|| trial.run(&inside, &plugin)));
        // Another answer than a scenario expects is what a fault may come to.
        match apart::within(&what, run) {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(_)) | Err(_)) => came.told += 1,
            None => came.complaints.push(format!("{what}: never ends")),
        }
        let mut violations = mock.violations();
        // Who believes the plugin that an event has ended may ask how.
        violations.retain(|v| function != "PJRT_Event_IsReady" || !v.contains("has not ended"));
        let violations = violations.into_iter();
        came.complaints
            .extend(violations.map(|violation| format!("{what}: {violation}")));
        retire(mock);
    }
    came
}

/// Keeps a mock for a while: what a trial left to another thread is still destroyed there.
fn retire(mock: Arc<Mock>) {
    static RETIRED: Mutex<VecDeque<Arc<Mock>>> = Mutex::new(VecDeque::new());
    let mut retired = RETIRED.lock().unwrap();
    retired.push_back(mock);
    if retired.len() > 64 {
        retired.pop_front();
    }
}

/// Tries all functions whose names contain something, several at a time: some wait for what a fault
/// keeps from coming.
fn matrix(minor: u32, only: &str) -> Vec<String> {
    let callers = callers(minor);
    let wanted = callers.iter().filter(|(name, _)| name.contains(only));
    let queue = wanted.flat_map(|(function, trials)| {
        let faults = faults(function).into_iter();
        faults.map(move |(name, fault)| (*function, name, fault, trials))
    });
    let queue = Mutex::new(queue);
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((function, name, fault, trials)) = next else {
                        break;
                    };
                    let what = format!("{function}, {name}");
                    let came = tried(minor, function, &fault, trials, &what);
                    eprintln!("# {what}: {} of {} told", came.told, trials.len());
                    let mut complaints = complaints.lock().unwrap();
                    if came.told == 0 && must_be_told(function, &fault) {
                        complaints.push(format!("{what}: nobody is told"));
                    }
                    complaints.extend(came.complaints);
                }
            });
        }
    });
    complaints.into_inner().unwrap()
}

#[test]
fn no_answer_of_a_plugin_makes_the_library_panic_or_wait_for_ever() {
    let test = "faults::no_answer_of_a_plugin_makes_the_library_panic_or_wait_for_ever";
    let only = std::env::var("PJRT_SKEW_ONLY").unwrap_or_default();
    apart::run(test, &only, |only| {
        let newest = *pjrt_mock::minors().last().expect("minors");
        let mut complaints = matrix(newest, only);
        if only.is_empty() {
            // An extension that the newest headers no longer have.
            complaints.extend(matrix(81, "HostAllocator_"));
        }
        complaints
    });
}

#[test]
fn every_function_is_tried() {
    let newest = *pjrt_mock::minors().last().expect("minors");
    let (called, before) = (callers(newest), callers(81));
    let mut all = pjrt_mock::implemented();
    all.retain(|name| !called.contains_key(name) && !before.contains_key(name));
    // It is asked for only where a plugin lacks the extension that does the same.
    assert_eq!(all, ["XLA_FFI_Type_Register"]);
}
