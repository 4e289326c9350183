//! A strict reader over `serde_json::Value`: it knows where it is and gathers what is wrong.

use serde_json::{Map, Value};

use super::locate::Step;

/// A thing that is wrong at a place.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) path: Vec<Step>,
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// Where the reader is: a chain on the stack, spelt out only for an error.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: At<'p>,
}

#[derive(Clone, Copy)]
enum At<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    pub(super) fn root() -> Self {
        Self {
            parent: None,
            step: At::Root,
        }
    }

    pub(super) fn key(&'p self, key: &'p str) -> Place<'p> {
        Place {
            parent: Some(self),
            step: At::Key(key),
        }
    }

    pub(super) fn index(&'p self, index: usize) -> Place<'p> {
        Place {
            parent: Some(self),
            step: At::Index(index),
        }
    }

    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = self.parent.map(Place::steps).unwrap_or_default();
        match self.step {
            At::Root => {}
            At::Key(key) => steps.push(Step::Key(key.to_string())),
            At::Index(index) => steps.push(Step::Index(index)),
        }
        steps
    }
}

/// All findings of one run.
#[derive(Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, place: &Place<'_>, message: String, help: &'static str) {
        self.0.push(Finding {
            path: place.steps(),
            message,
            help,
        });
    }

    fn wrong_type(&mut self, place: &Place<'_>, wanted: &str, value: &Value) {
        self.add(
            place,
            format!("expected {wanted}, found {}", brief(value)),
            "",
        );
    }

    /// An object all of whose keys are known; `None` is reported.
    pub(super) fn object<'v>(
        &mut self,
        place: &Place<'_>,
        value: &'v Value,
        keys: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Value::Object(map) = value else {
            self.wrong_type(place, "an object", value);
            return None;
        };
        for key in map.keys() {
            if !keys.contains(&key.as_str()) {
                self.add(
                    &place.key(key),
                    format!("unknown key `{key}`; known here: {}", keys.join(", ")),
                    "",
                );
            }
        }
        Some(map)
    }

    pub(super) fn array<'v>(&mut self, place: &Place<'_>, value: &'v Value) -> &'v [Value] {
        match value {
            Value::Array(items) => items,
            _ => {
                self.wrong_type(place, "an array", value);
                &[]
            }
        }
    }

    pub(super) fn text(&mut self, place: &Place<'_>, value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            _ => {
                self.wrong_type(place, "a string", value);
                String::new()
            }
        }
    }

    pub(super) fn truth(&mut self, place: &Place<'_>, value: &Value) -> bool {
        match value {
            Value::Bool(truth) => *truth,
            _ => {
                self.wrong_type(place, "true or false", value);
                false
            }
        }
    }

    pub(super) fn number<T: TryFrom<i128> + Default>(
        &mut self,
        place: &Place<'_>,
        value: &Value,
    ) -> T {
        let number = value
            .as_u64()
            .map(i128::from)
            .or_else(|| value.as_i64().map(i128::from));
        match number.and_then(|n| T::try_from(n).ok()) {
            Some(number) => number,
            None => {
                self.wrong_type(place, "an integer in range", value);
                T::default()
            }
        }
    }

    /// The word of a closed list.
    pub(super) fn word<T: Copy>(
        &mut self,
        place: &Place<'_>,
        text: &str,
        words: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let found = words.iter().copied().find(|word| name(*word) == text);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|word| name(*word)).collect();
            self.add(
                place,
                format!("expected one of {}, found \"{text}\"", known.join(", ")),
                "",
            );
        }
        found
    }
}

/// An object whose keys are asked for one by one.
pub(super) struct Entry<'v, 'p> {
    pub(super) map: &'v Map<String, Value>,
    pub(super) place: &'p Place<'p>,
}

impl<'v> Entry<'v, '_> {
    pub(super) fn get(&self, key: &str) -> Option<&'v Value> {
        self.map.get(key)
    }

    fn need(&self, key: &str, findings: &mut Findings) -> Option<&'v Value> {
        let value = self.map.get(key);
        if value.is_none() {
            findings.add(self.place, format!("the key `{key}` is missing"), "");
        }
        value
    }

    pub(super) fn text(&self, key: &str, findings: &mut Findings) -> String {
        self.need(key, findings)
            .map(|value| findings.text(&self.place.key(key), value))
            .unwrap_or_default()
    }

    /// Empty where absent.
    pub(super) fn maybe_text(&self, key: &str, findings: &mut Findings) -> String {
        self.get(key)
            .map(|value| findings.text(&self.place.key(key), value))
            .unwrap_or_default()
    }

    pub(super) fn number<T: TryFrom<i128> + Default>(
        &self,
        key: &str,
        findings: &mut Findings,
    ) -> T {
        self.need(key, findings)
            .map(|value| findings.number(&self.place.key(key), value))
            .unwrap_or_default()
    }

    /// Zero where the whole file carries no lines.
    pub(super) fn line(&self, lines: bool, findings: &mut Findings) -> u32 {
        if lines {
            self.number("line", findings)
        } else {
            0
        }
    }

    /// The elements of an array; none where the key is absent.
    pub(super) fn list<T>(
        &self,
        key: &str,
        findings: &mut Findings,
        mut one: impl FnMut(&Place<'_>, &'v Value, &mut Findings) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let place = self.place.key(key);
        findings
            .array(&place, value)
            .iter()
            .enumerate()
            .filter_map(|(index, item)| one(&place.index(index), item, findings))
            .collect()
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::Null => "null".to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the string \"{text}\""),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(map) => format!("an object of {} keys", map.len()),
    }
}
