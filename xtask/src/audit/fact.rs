//! What the child tells: one JSON object per line, each written whole before the next step, so that
//! what was found is kept when a step ends the process.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::step::Step;

/// The largest table that is read: today's have about a thousand bytes.
pub const LARGEST: usize = 1 << 20;
/// The bytes before the first slot: size, chain, version.
pub const HEAD: usize = 40;
/// The bytes before the first slot of an extension's table.
pub const NODE: usize = 24;

/// What the child is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The library.
    pub library: PathBuf,
    /// Where the facts go.
    pub out: PathBuf,
    /// Whether `PJRT_Plugin_Initialize` is called.
    pub initialize: bool,
    /// Minor, reported size and real end of tables that say less than they have, and 0 where
    /// functions stand in other places than today, so that none can be called.
    pub ends: Vec<[u64; 4]>,
    /// The minor since which nodes of the chain carry a size.
    pub chain_since: u64,
    /// From which minor on `PJRT_Plugin_Attributes` is given which size.
    pub attributes: Vec<[u64; 2]>,
}

impl Order {
    /// As one argument.
    pub fn to_text(&self) -> String {
        json!({
            "library": self.library.display().to_string(),
            "out": self.out.display().to_string(),
            "initialize": self.initialize,
            "ends": self.ends,
            "chain_since": self.chain_since,
            "attributes": self.attributes,
        })
        .to_string()
    }

    /// From the argument; none if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let path = |key: &str| Some(PathBuf::from(value.get(key)?.as_str()?));
        Some(Self {
            library: path("library")?,
            out: path("out")?,
            initialize: value.get("initialize")?.as_bool()?,
            ends: rows(value.get("ends")?)?,
            chain_since: value.get("chain_since")?.as_u64()?,
            attributes: rows(value.get("attributes")?)?,
        })
    }
}

fn rows<const N: usize>(value: &Value) -> Option<Vec<[u64; N]>> {
    let row = |row: &Value| {
        let numbers: Option<Vec<u64>> = row.as_array()?.iter().map(Value::as_u64).collect();
        numbers?.try_into().ok()
    };
    value.as_array()?.iter().map(row).collect()
}

/// Writes facts.
pub struct Teller(std::fs::File);

impl Teller {
    /// A file for the facts.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let file = std::fs::File::options().append(true).open(path)?;
        Ok(Self(file))
    }

    /// Says that a step begins.
    pub fn step(&mut self, step: Step) {
        self.tell("step", &json!(step.word()));
    }

    /// Says something. Who cannot write has nobody to tell so; the parent notices the missing end.
    pub fn tell(&mut self, what: &str, value: &Value) {
        let line = format!("{}\n", json!({what: value}));
        let _ = self.0.write_all(line.as_bytes());
    }
}

/// A node of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// `PJRT_Extension_Type`.
    pub number: u64,
    /// What it says of its size.
    pub size: u64,
    /// Its slots: see [`Heard::slots`].
    pub slots: String,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// It reported no error.
    Fine,
    /// It reported one: code and message.
    Error(i64, String),
    /// The slot is not there, or holds no function.
    Absent,
}

/// All that a child told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// The last step that began.
    pub step: Option<Step>,
    /// What the loader said if it refused.
    pub load_error: Option<String>,
    /// The library has no `GetPjrtApi`: what the loader said.
    pub no_entry: Option<String>,
    /// What is wrong with the pointer to the table: `null`, `misaligned`, `unreadable`.
    pub table_fault: Option<String>,
    /// What the table says of its size.
    pub size: Option<u64>,
    /// Its version: major and minor, and the size of the struct of the version.
    pub version: Option<(i64, i64, u64)>,
    /// A letter for each whole word after the head: `c` code, `0` null, `d` data, `x` no memory.
    pub slots: String,
    /// The same after the plugin was initialised.
    pub slots_after: Option<String>,
    /// The table says more bytes than can be read; so many can.
    pub readable: Option<u64>,
    /// The nodes of the chain in order.
    pub nodes: Vec<Node>,
    /// What ended the chain early: `cycle`, `misaligned`, `unreadable`, `short`, `long`, `format`.
    pub chain_fault: Option<String>,
    /// `PJRT_Plugin_Initialize`.
    pub initialized: Option<Called>,
    /// `PJRT_Plugin_Attributes`.
    pub called_attributes: Option<Called>,
    /// The attributes: name and value, in the plugin's order.
    pub attributes: Vec<(String, Value)>,
    /// What is wrong with the attributes.
    pub attribute_faults: Vec<String>,
    /// Whether the child came to its end.
    pub ended: bool,
}

impl Heard {
    /// Reads the lines; one that a crash cut off says nothing.
    pub fn read(text: &str) -> Self {
        let mut heard = Self::default();
        for line in text.lines() {
            let Ok(Value::Object(line)) = serde_json::from_str(line) else {
                continue;
            };
            for (what, value) in line {
                heard.take(&what, value);
            }
        }
        heard
    }

    fn take(&mut self, what: &str, value: Value) {
        let text = || value.as_str().map(str::to_owned);
        let number = |key: &str| value.get(key).and_then(Value::as_u64).unwrap_or(0);
        match what {
            "step" => self.step = value.as_str().and_then(Step::of).or(self.step),
            "load_error" => self.load_error = text(),
            "no_entry" => self.no_entry = text(),
            "table_fault" => self.table_fault = text(),
            "size" => self.size = value.as_u64(),
            "version" => {
                let signed = |key: &str| value.get(key).and_then(Value::as_i64).unwrap_or(0);
                self.version = Some((signed("major"), signed("minor"), number("size")));
            }
            "slots" => self.slots = text().unwrap_or_default(),
            "slots_after" => self.slots_after = text(),
            "readable" => self.readable = value.as_u64(),
            "node" => self.nodes.push(Node {
                number: number("number"),
                size: number("size"),
                slots: String::new(),
            }),
            "node_slots" => {
                if let Some(node) = self.nodes.last_mut() {
                    node.slots = text().unwrap_or_default();
                }
            }
            "chain_fault" => self.chain_fault = text(),
            "initialized" => self.initialized = called(&value),
            "called_attributes" => self.called_attributes = called(&value),
            "attribute" => {
                let name = value.get("name").and_then(Value::as_str).unwrap_or("?");
                let of = value.get("value").cloned().unwrap_or(Value::Null);
                self.attributes.push((name.to_owned(), of));
            }
            "attribute_fault" => self.attribute_faults.extend(text()),
            "ended" => self.ended = true,
            _ => {}
        }
    }
}

fn called(value: &Value) -> Option<Called> {
    match value {
        Value::Bool(true) => Some(Called::Fine),
        Value::Null => Some(Called::Absent),
        _ => {
            let text = value.get("text").and_then(Value::as_str)?;
            Some(Called::Error(
                value.get("code").and_then(Value::as_i64)?,
                text.to_owned(),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_survives_its_argument() {
        let order = Order {
            library: "a b.so".into(),
            out: "/tmp/out".into(),
            initialize: true,
            ends: vec![[40, 808, 816, 1]],
            chain_since: 45,
            attributes: vec![[40, 24], [71, 32]],
        };
        assert_eq!(Order::parse(&order.to_text()), Some(order));
        assert_eq!(Order::parse("{}"), None);
    }

    #[test]
    fn a_line_that_was_cut_off_says_nothing() {
        let heard =
            Heard::read("{\"step\":\"chain\"}\n{\"node\":{\"number\":4,\"size\":80}}\n{\"no");
        assert_eq!(heard.step, Some(Step::Chain));
        assert_eq!(heard.nodes.len(), 1);
        assert!(!heard.ended);
    }
}
