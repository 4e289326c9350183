//! What the plugin answered: its start, its attributes, the StableHLO that it reads.

use serde_json::{Value, json};

use super::fact::{Called, Heard};
use super::finding::Finding;

/// The versions of StableHLO whose portable artifacts the plugin reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StableHlo {
    /// The oldest.
    pub minimum: Vec<i64>,
    /// The newest.
    pub current: Vec<i64>,
}

impl StableHlo {
    /// As the JSON report has it.
    pub fn json(&self) -> Value {
        json!({"minimum": dotted(&self.minimum), "current": dotted(&self.current)})
    }

    /// As text has it.
    pub fn text(&self) -> String {
        format!("{} to {}", dotted(&self.minimum), dotted(&self.current))
    }
}

fn dotted(version: &[i64]) -> String {
    let parts: Vec<String> = version.iter().map(i64::to_string).collect();
    parts.join(".")
}

/// Judges the answers.
pub fn judge(heard: &Heard, found: &mut Vec<Finding>) -> Option<StableHlo> {
    match &heard.initialized {
        Some(Called::Error(code, said)) => {
            let text = format!(
                "PJRT_Plugin_Initialize: expected no error, got code {code}: {said}; `pjrt` and other \
                 clients stop here: see to what it says"
            );
            found.push(Finding::wrong("initialize-failed", text));
        }
        Some(Called::Absent) => found.push(no_code("initialize-absent", "PJRT_Plugin_Initialize")),
        Some(Called::Fine) | None => {}
    }
    match &heard.called_attributes {
        Some(Called::Error(code, said)) => {
            let text = format!(
                "PJRT_Plugin_Attributes: expected no error, got code {code}: {said}; give the \
                 plugin's attributes, or none"
            );
            found.push(Finding::wrong("attributes-failed", text));
        }
        Some(Called::Absent) => found.push(no_code("attributes-absent", "PJRT_Plugin_Attributes")),
        Some(Called::Fine) | None => {}
    }
    for fault in &heard.attribute_faults {
        let text = format!(
            "PJRT_Plugin_Attributes: expected whole attributes, got: {fault}; clients crash on it: set \
             every field of each PJRT_NamedValue"
        );
        found.push(Finding::wrong("attribute-broken", text));
    }
    let hlo = stablehlo(heard);
    match &hlo {
        Some(range) if range.minimum > range.current => {
            let text = format!(
                "StableHLO: expected a range, got {}; set stablehlo_minimum_version to the oldest and \
                 stablehlo_current_version to the newest version",
                range.text()
            );
            found.push(Finding::wrong("stablehlo-range", text));
        }
        None if heard.called_attributes == Some(Called::Fine) => {
            let text = "the attributes do not tell the versions of StableHLO that the plugin reads \
                        (stablehlo_minimum_version, stablehlo_current_version: lists of three \
                        numbers); without them nobody can tell which artifacts it reads";
            found.push(Finding::note("stablehlo-unknown", text));
        }
        _ => {}
    }
    hlo
}

fn no_code(code: &'static str, function: &str) -> Finding {
    let text = format!("{function}: expected a function, and the slot holds none; clients call it");
    Finding::wrong(code, text)
}

fn stablehlo(heard: &Heard) -> Option<StableHlo> {
    let version = |name: &str| -> Option<Vec<i64>> {
        let (_, value) = heard.attributes.iter().find(|(other, _)| other == name)?;
        let numbers: Option<Vec<i64>> = value.as_array()?.iter().map(Value::as_i64).collect();
        numbers.filter(|numbers| numbers.len() == 3)
    };
    Some(StableHlo {
        minimum: version("stablehlo_minimum_version")?,
        current: version("stablehlo_current_version")?,
    })
}
