//! The chain of extensions, node by node.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fact::{Heard, NODE};
use super::finding::{Finding, names};
use super::known::{Extension, Known};
use super::table::Status;

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// `PJRT_Extension_Type`.
    pub number: u64,
    /// The extension's name, if it is known.
    pub name: Option<String>,
    /// What it says of its size.
    pub size: u64,
    /// What headers of the plugin's version say: the one that fits, else the last.
    pub expected: Option<u64>,
    /// Slots within its size that hold nothing.
    pub null: Vec<String>,
    /// Slots that the node ends before.
    pub absent: Vec<String>,
    /// Whole words behind the known end.
    pub unknown: u64,
}

impl Node {
    /// As the JSON report has it.
    pub fn json(&self) -> Value {
        json!({
            "type": self.number,
            "name": self.name,
            "struct_size": self.size,
            "expected": self.expected,
            "null_slots": self.null,
            "absent_slots": self.absent,
            "unknown_slots": self.unknown,
        })
    }
}

/// Judges the chain.
pub fn judge(known: &Known, heard: &Heard, found: &mut Vec<Finding>) -> Vec<Node> {
    let Some((0, minor, _)) = heard.version else {
        return Vec::new();
    };
    let minor = u32::try_from(minor).unwrap_or(0);
    if let Some(fault) = &heard.chain_fault {
        found.push(broken(fault, heard.nodes.len(), minor));
    }
    let mut nodes = Vec::new();
    let mut seen = BTreeSet::new();
    for node in &heard.nodes {
        if !seen.insert(node.number) {
            let text = format!(
                "extension type {}: expected one node, got another; clients use the first: take the \
                 other out",
                node.number
            );
            found.push(Finding::wrong("extension-twice", text));
        }
        let of = known.extension(node.number, minor, node.size);
        let Some(of) = of else {
            let text = format!(
                "extension type {} ({} bytes) is in no header here; it is left alone: name it with \
                 `--schema FILE` of its vendor",
                node.number, node.size
            );
            found.push(Finding::note("extension-unknown", text));
            nodes.push(Node {
                number: node.number,
                size: node.size,
                ..Node::default()
            });
            continue;
        };
        nodes.push(one(known, node, of, minor, found));
    }
    nodes
}

fn broken(fault: &str, after: usize, minor: u32) -> Finding {
    let (code, got, next) = match fault {
        "format" => {
            let text = format!(
                "the chain of a plugin of 0.{minor} cannot be read: nodes carry their size since 0.45; \
                 a newer plugin's can"
            );
            return Finding::note("chain-unreadable", text);
        }
        "cycle" => ("chain-cycle", "a node that came before", "end it with null"),
        "long" => ("chain-long", "more than 1024 nodes", "end it with null"),
        "misaligned" => (
            "chain-pointer",
            "an address that is no multiple of 8",
            "set `next` to a node or null",
        ),
        "short" => (
            "chain-short-node",
            "a node smaller than the 24 bytes of PJRT_Extension_Base",
            "set base.struct_size to the size of the extension's struct",
        ),
        _ => (
            "chain-pointer",
            "an address without memory",
            "set `next` to a node that stays, or null",
        ),
    };
    let text = format!(
        "chain of extensions: expected a node or the end after {after} nodes, got {got}; clients that \
         do not look hang or crash: {next}"
    );
    Finding::wrong(code, text)
}

/// One node whose extension is known.
fn one(
    known: &Known,
    node: &super::fact::Node,
    of: Extension,
    minor: u32,
    found: &mut Vec<Finding>,
) -> Node {
    let mut judged = Node {
        number: node.number,
        name: Some(of.name.clone()),
        size: node.size,
        expected: of.layout.as_ref().map(|layout| layout.said),
        ..Node::default()
    };
    let Some(layout) = of.layout else {
        let text = format!(
            "extension {} (type {}): no recorded header of 0.{minor} has its table; its slots are not \
             checked",
            of.name, node.number
        );
        found.push(Finding::note("extension-untimely", text));
        return judged;
    };
    let letters: Vec<char> = node.slots.chars().collect();
    let mut broken = Vec::new();
    for (name, offset) in &layout.slots {
        let index = usize::try_from(*offset)
            .ok()
            .and_then(|at| at.checked_sub(NODE));
        match index
            .and_then(|at| letters.get(at / 8))
            .copied()
            .map(Status::of)
        {
            None => judged.absent.push(name.clone()),
            Some(Status::Null) => judged.null.push(name.clone()),
            // Some slots point at data.
            Some(_) if index.and_then(|at| letters.get(at / 8)) == Some(&'x') => {
                broken.push(name.clone());
            }
            Some(_) => {}
        }
    }
    let place = format!("extension {} (type {})", of.name, node.number);
    judged.unknown = node.size.saturating_sub(layout.size) / 8;
    let newer = minor > known.newest();
    let sizes: Vec<String> = of.sizes.iter().map(u64::to_string).collect();
    if newer && node.size > layout.size {
        let text = format!(
            "{place}: {} bytes, and the newest header here has {}; what is new has no name here: \
             `cargo xtask bump` takes newer headers",
            node.size, layout.size
        );
        found.push(Finding::note("extension-newer", text));
    } else if !of.sizes.contains(&node.size) {
        let text = format!(
            "{place}: expected {} bytes at 0.{minor}, got {}; set base.struct_size and the version \
             from one set of headers",
            sizes.join(" or "),
            node.size
        );
        found.push(Finding::wrong("extension-size", text));
    }
    if !judged.null.is_empty() {
        let text = format!(
            "{place}: null in {} of {} slots ({}); `pjrt` reports them as unimplemented, other \
             clients may call them",
            judged.null.len(),
            layout.slots.len(),
            names(&judged.null)
        );
        found.push(Finding::note("extension-null", text));
    }
    if !broken.is_empty() {
        let text = format!(
            "{place}: expected functions or pointers, got addresses without memory in {}; set the \
             size and the slots from one header",
            names(&broken)
        );
        found.push(Finding::wrong("extension-broken", text));
    }
    judged
}
