//! `schema/called.json`: which functions the test-suite called on which real plugin, and what came
//! back. A recording makes it; nobody writes it by hand.

use crate::diag::{Diagnostic, Diagnostics};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The file's place in the repository.
pub const CALLED: &str = "schema/called.json";
/// What the file says about itself.
const COMMAND: &str = "cargo xtask coverage record";

/// What was called on one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Version of the API, such as `0.81`.
    pub api: String,
    /// Functions that at least once reported no error.
    pub ok: BTreeSet<String>,
    /// Functions that at least once reported one.
    pub error: BTreeSet<String>,
}

/// By plugin name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called(pub BTreeMap<String, Calls>);

impl Called {
    /// Reads the file.
    pub fn load(text: &str) -> Result<Called, Diagnostics> {
        let fault = |message: String| {
            let help = format!("run `{COMMAND}`");
            Diagnostics::from(Diagnostic::new("C020", CALLED, message).help(help))
        };
        let document: Value = serde_json::from_str(text).map_err(|error| {
            let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let diagnostic = Diagnostic::new("C020", CALLED, error.to_string());
            Diagnostics::from(diagnostic.at(place(error.line()), place(error.column())))
        })?;
        let plugins = document
            .get("plugins")
            .and_then(Value::as_object)
            .ok_or_else(|| fault("expected an object `plugins`".into()))?;
        let mut called = Called::default();
        for (name, value) in plugins {
            let names = |key: &str| -> Option<BTreeSet<String>> {
                let items = value.get(key)?.as_array()?.iter();
                items.map(|v| v.as_str().map(str::to_owned)).collect()
            };
            let api = value.get("api").and_then(Value::as_str);
            match (api, names("ok"), names("error")) {
                (Some(api), Some(ok), Some(error)) => {
                    let api = api.to_owned();
                    called.0.insert(name.clone(), Calls { api, ok, error });
                }
                _ => {
                    return Err(fault(format!(
                        "`{name}` must have `api` and the lists `ok` and `error`"
                    )));
                }
            }
        }
        Ok(called)
    }

    /// Reads lines of a recording: plugin, version, function and `ok` or `error`, each behind a tab.
    pub fn record(lines: &str) -> Result<Called, String> {
        let mut called = Called::default();
        for line in lines.lines() {
            let parts: Vec<&str> = line.split('\t').collect();
            let [plugin, api, function, outcome] = parts.as_slice() else {
                return Err(format!("`{line}` is no line of a recording"));
            };
            let calls = called.0.entry((*plugin).to_owned()).or_default();
            calls.api = (*api).to_owned();
            let set = match *outcome {
                "ok" => &mut calls.ok,
                "error" => &mut calls.error,
                other => return Err(format!("`{other}` is neither `ok` nor `error`")),
            };
            set.insert((*function).to_owned());
        }
        Ok(called)
    }

    /// Takes the plugins of a newer recording over; what it does not have stays.
    pub fn merge(&mut self, newer: Called) {
        self.0.extend(newer.0);
    }

    /// The file's text: canonical, one line per list.
    pub fn to_json(&self) -> String {
        let mut text = format!("{{\n\"command\": \"{COMMAND}\",\n\"plugins\": {{");
        for (i, (name, calls)) in self.0.iter().enumerate() {
            text.push_str(if i == 0 { "\n" } else { ",\n" });
            let list = |set: &BTreeSet<String>| {
                let names: Vec<String> = set.iter().map(|n| format!("  {}", json!(n))).collect();
                match names.as_slice() {
                    [] => "[]".to_owned(),
                    _ => format!("[\n{}\n]", names.join(",\n")),
                }
            };
            text.push_str(&format!(
                "{}: {{\n\"api\": {},\n\"ok\": {},\n\"error\": {}\n}}",
                json!(name),
                json!(calls.api),
                list(&calls.ok),
                list(&calls.error)
            ));
        }
        text.push_str("\n}\n}\n");
        text
    }

    /// For the report: `{plugin: {ok: [..], error: [..]}}`.
    pub fn report(&self) -> Value {
        let plugins = self.0.iter().map(|(name, calls)| {
            let lists = json!({"ok": calls.ok, "error": calls.error});
            (name.clone(), lists)
        });
        Value::Object(plugins.collect::<Map<_, _>>())
    }

    /// On which plugins a function was called, for a table: `cpu`, `tpu (error)`.
    pub fn on(&self, function: &str) -> String {
        let plugins = self.0.iter().filter_map(|(name, calls)| {
            match (calls.ok.contains(function), calls.error.contains(function)) {
                (true, true) => Some(format!("{name} (ok, error)")),
                (true, false) => Some(name.clone()),
                (false, true) => Some(format!("{name} (error)")),
                (false, false) => None,
            }
        });
        plugins.collect::<Vec<_>>().join(", ")
    }

    /// All functions.
    pub fn functions(&self) -> BTreeSet<&str> {
        let calls = self.0.values();
        calls
            .flat_map(|c| c.ok.iter().chain(&c.error))
            .map(String::as_str)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_becomes_the_file_and_back() {
        let lines = "cpu\t0.81\tPJRT_B\tok\ncpu\t0.81\tPJRT_A\terror\ncpu\t0.81\tPJRT_B\terror\n";
        let mut called = Called::record(lines).unwrap();
        assert_eq!(called.on("PJRT_B"), "cpu (ok, error)");
        assert_eq!(called.on("PJRT_A"), "cpu (error)");
        assert_eq!(Called::load(&called.to_json()).unwrap(), called);
        let newer = Called::record("cpu\t0.82\tPJRT_C\tok\ntpu\t0.103\tPJRT_A\tok\n").unwrap();
        called.merge(newer);
        assert_eq!(called.on("PJRT_A"), "tpu");
        assert_eq!(called.on("PJRT_C"), "cpu");
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        assert!(Called::record("cpu\tok\n").is_err());
        assert!(Called::record("cpu\t0.81\tPJRT_A\tmaybe\n").is_err());
        let error = Called::load("{\"plugins\": {\"cpu\": {\"ok\": []}}}").unwrap_err();
        assert!(error.to_string().contains("`cpu`"), "{error}");
        assert!(
            Called::load("{")
                .unwrap_err()
                .to_string()
                .contains("called.json:1")
        );
    }
}
