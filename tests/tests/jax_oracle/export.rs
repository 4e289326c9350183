//! What `programs.py` wrote.

use crate::arrays::Array;
use crate::environment;
use pjrt::Value;
use pjrt_tests::plugin;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The programs, with what JAX computed.
pub struct Export {
    /// Version of JAX.
    pub jax: String,
    /// Version of StableHLO that the bytecode is in.
    pub stablehlo: String,
    names: Vec<String>,
    programs: BTreeMap<String, Exported>,
}

/// One program.
pub struct Exported {
    pub inputs: Vec<Array>,
    pub outputs: Vec<Array>,
    text: String,
    bytecode: Vec<u8>,
}

/// Lets JAX run, once for all tests. None, with a word on standard error, where Python or the network
/// is missing; both are required where `CI` is set.
pub fn exported() -> Option<&'static Export> {
    static EXPORT: OnceLock<Option<Export>> = OnceLock::new();
    let make = || {
        let plugin = plugin("cpu")?;
        let python = match environment::python() {
            Ok(python) => python,
            Err(environment::Missing(what)) => {
                assert!(
                    std::env::var_os("CI").is_none(),
                    "JAX is required where CI is set: {what}"
                );
                eprintln!("skipped: jax_oracle needs JAX: {what}");
                return None;
            }
        };
        let attributes = plugin.attributes().unwrap();
        let version = match attributes.get("stablehlo_current_version") {
            Some(Value::Int64List(parts)) => {
                let parts: Vec<String> = parts.iter().map(i64::to_string).collect();
                parts.join(".")
            }
            other => panic!("the plugin says {other:?} of its StableHLO version"),
        };
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jax_oracle/programs.py");
        // `-I`: no packages of the user's, no variables for Python.
        let output = Command::new(&python)
            .args(["-I", script])
            .arg(folder.path())
            .arg(&version)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "programs.py failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Some(Export::read(folder.path()))
    };
    EXPORT.get_or_init(make).as_ref()
}

impl Export {
    fn read(folder: &Path) -> Export {
        let index = std::fs::read_to_string(folder.join("index.json")).unwrap();
        let index: Json = serde_json::from_str(&index).unwrap();
        let mut export = Export {
            jax: text(&index["jax"]),
            stablehlo: text(&index["stablehlo"]),
            names: Vec::new(),
            programs: BTreeMap::new(),
        };
        for program in index["programs"].as_array().unwrap() {
            let name = text(&program["name"]);
            let read = |end: &str| std::fs::read(folder.join(format!("{name}.{end}"))).unwrap();
            let exported = Exported {
                inputs: arrays(folder, &program["inputs"]),
                outputs: arrays(folder, &program["outputs"]),
                text: String::from_utf8(read("mlir")).unwrap(),
                bytecode: read("bytecode"),
            };
            export.names.push(name.clone());
            export.programs.insert(name, exported);
        }
        export
    }

    /// Names in the order of the script.
    pub fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    /// The program of that name.
    pub fn program(&self, name: &str) -> &Exported {
        let found = self.programs.get(name);
        found.unwrap_or_else(|| panic!("programs.py has no {name}: {:?}", self.names))
    }

    /// Its StableHLO text.
    pub fn text(&self, name: &str) -> &str {
        &self.program(name).text
    }

    /// Its StableHLO bytecode, which later versions read.
    pub fn bytecode(&self, name: &str) -> &[u8] {
        &self.program(name).bytecode
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap().to_owned()
}

fn arrays(folder: &Path, json: &Json) -> Vec<Array> {
    let array = |json: &Json| Array {
        dtype: text(&json["dtype"]),
        dims: {
            let dims = json["dims"].as_array().unwrap().iter();
            dims.map(|dim| dim.as_i64().unwrap()).collect()
        },
        bytes: std::fs::read(folder.join(text(&json["file"]))).unwrap(),
    };
    json.as_array().unwrap().iter().map(array).collect()
}
