//! `cargo xtask run`: what it prints and writes, and what it says of files that do not fit.

use std::path::{Path, PathBuf};
use std::process::Command;

use pjrt::{ElementType, Program};
use xtask::run::dump::Dump;
use xtask::run::npy;
use xtask::run_cmd::{Args, run};

const DENSE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../pjrt/examples/dense_layer.mlir"
);
const X: [f32; 6] = [1.0, 2.0, 3.0, -1.0, 0.5, 2.0];
const W: [f32; 6] = [0.5, -1.0, 0.25, 2.0, -0.75, 1.0];

/// A folder for one test, with the inputs of the dense layer.
struct Scene(tempfile::TempDir);

impl Scene {
    /// None, with a word on standard error, where the CPU plugin is left out.
    fn new() -> Option<Scene> {
        pjrt_tests::plugin("cpu")?;
        let scene = Scene(tempfile::tempdir().unwrap());
        scene.save("x.npy", "'<f4'", "False", "(2, 3)", &bytes(&X));
        scene.save("w.npy", "'<f4'", "False", "(3, 2)", &bytes(&W));
        Some(scene)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// A `.npy` file made by hand.
    fn save(&self, name: &str, descr: &str, fortran: &str, shape: &str, data: &[u8]) {
        let text =
            format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        file.extend(text.bytes());
        file.extend(data);
        std::fs::write(self.path(name), file).unwrap();
    }

    fn args(&self, file: impl AsRef<Path>, inputs: &[&str]) -> Args {
        let full = |input: &&str| match input.split_once('=') {
            Some((number, file)) => format!("{number}={}", self.path(file).display()),
            None => self.path(input).display().to_string(),
        };
        Args {
            file: file.as_ref().to_owned(),
            plugin: "cpu".to_owned(),
            input: inputs.iter().map(full).collect(),
            seed: 0,
            output: None,
            repeat: 0,
            dump: Vec::new(),
        }
    }

    /// What is said of these inputs of the dense layer.
    fn refused(&self, inputs: &[&str]) -> String {
        refused(&self.args(DENSE, inputs))
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn printed(args: &Args) -> String {
    let mut out = Vec::new();
    run(args, &mut out).unwrap_or_else(|problem| panic!("{problem}"));
    String::from_utf8(out).unwrap()
}

fn refused(args: &Args) -> String {
    run(args, &mut Vec::new()).unwrap_err().to_string()
}

/// The line that begins so, and those indented below it.
fn after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(start));
    let first = lines
        .next()
        .unwrap_or_else(|| panic!("no {start:?} in {text}"));
    let below = lines.take_while(|line| line.starts_with("   "));
    std::iter::once(first).chain(below).map(str::trim).collect()
}

#[test]
fn random_inputs_are_the_same_for_the_same_seed() {
    let Some(scene) = Scene::new() else { return };
    let inputs = |args: &Args| {
        let text = printed(args);
        [
            after(&text, "input 0").join("\n"),
            after(&text, "input 1").join("\n"),
        ]
    };
    let mut args = scene.args(DENSE, &[]);
    let first = inputs(&args);
    assert_eq!(inputs(&args), first);
    assert!(first[0].contains("f32[2,3] random, seed 0"), "{first:?}");
    // That another input is given makes no difference.
    args.input = scene.args(DENSE, &["x.npy"]).input;
    assert_eq!(inputs(&args)[1], first[1]);
    (args.input, args.seed) = (Vec::new(), 1);
    assert_ne!(inputs(&args), first);
}

#[test]
fn arrays_of_any_order_give_what_rust_computes() {
    let Some(scene) = Scene::new() else { return };
    let columns = [X[0], X[3], X[1], X[4], X[2], X[5]];
    scene.save("columns.npy", "'<f4'", "True", "(2, 3)", &bytes(&columns));
    let big: Vec<u8> = X.iter().flat_map(|value| value.to_be_bytes()).collect();
    scene.save("big.npy", "'>f4'", "False", "(2, 3)", &big);
    let ways: [&[&str]; 4] = [
        &["x.npy", "w.npy"],
        &["1=w.npy", "x.npy"],
        &["columns.npy", "w.npy"],
        &["big.npy", "w.npy"],
    ];
    for way in ways {
        let text = printed(&scene.args(DENSE, way));
        let output = after(&text, "output 0");
        assert_eq!(
            output,
            ["output 0    f32[2,2]", "[[0.0, 5.0],", "[0.0, 3.0]]"],
            "{way:?}"
        );
    }
}

#[test]
fn outputs_become_files_that_can_be_inputs() {
    let Some(scene) = Scene::new() else { return };
    let mut args = scene.args(DENSE, &["x.npy", "w.npy"]);
    args.output = Some(scene.path("new/folder"));
    args.dump = vec![Dump::Optimised, Dump::Cost, Dump::Memory];
    args.repeat = 3;
    let text = printed(&args);
    for part in [
        "entry main",
        "root ",
        "flops",
        "temporary",
        "compile ",
        "first run ",
        "3 more  median ",
        "p99 ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let array = npy::read(&scene.path("new/folder/output0.npy")).unwrap();
    assert_eq!(
        (array.dims, array.bytes),
        (vec![2, 2], bytes(&[0.0, 5.0, 0.0, 3.0]))
    );
    // The program as the compiler left it runs too.
    let optimised = scene.path("new/folder/optimised.hlo.pb");
    assert_eq!(Program::from_file(&optimised).unwrap().format(), "hlo");
    let again = printed(&scene.args(&optimised, &["x.npy", "w.npy"]));
    assert_eq!(after(&again, "output 0")[1], "[[0.0, 5.0],");
    args.file = scene.text(
        "twice.mlir",
        "func.func @main(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
           %y = stablehlo.add %x, %x : tensor<2x2xf32>
           return %y : tensor<2x2xf32>
         }",
    );
    args.input = scene.args(DENSE, &["new/folder/output0.npy"]).input;
    args.output = None;
    args.dump.clear();
    assert_eq!(after(&printed(&args), "output 0")[1], "[[0.0, 10.0],");
}

#[test]
fn types_that_numpy_lacks_go_as_raw_bytes() {
    let Some(scene) = Scene::new() else { return };
    let list = [
        ("bf16", "'<V2'", 2),
        ("f8E4M3FN", "'<V1'", 1),
        ("i4", "'|V1'", 1),
        ("i1", "'|b1'", 1),
        ("complex<f64>", "'<c16'", 16),
        ("ui16", "'<u2'", 2),
        ("f16", "'<f2'", 2),
    ];
    for (mlir, descr, size) in list {
        let ty = format!("tensor<2x{mlir}>");
        let text = format!("func.func @main(%x: {ty}) -> {ty} {{ return %x : {ty} }}");
        let data: Vec<u8> = (0..2 * size).map(|byte| byte % 2).collect();
        scene.save("in.npy", descr, "False", "(2,)", &data);
        let mut args = scene.args(scene.text("same.mlir", &text), &["in.npy"]);
        args.output = Some(scene.path("out"));
        printed(&args);
        let array = npy::read(&scene.path("out/output0.npy")).unwrap();
        assert_eq!(array, npy::read(&scene.path("in.npy")).unwrap(), "{mlir}");
    }
}

#[test]
fn inputs_that_do_not_fit_are_told_what_was_expected_what_came_and_what_to_do() {
    let Some(scene) = Scene::new() else { return };
    scene.save("double.npy", "'<f8'", "False", "(2, 3)", &[0; 48]);
    scene.save("short.npy", "'<f4'", "False", "(2, 2)", &[0; 16]);
    scene.save("cut.npy", "'<f4'", "False", "(2, 3)", &[0; 23]);
    scene.save("objects.npy", "'|O'", "False", "(2, 3)", &[0; 24]);
    scene.text("text.npy", "1.0, 2.0");
    let cases: [(&[&str], &[&str]); 9] = [
        (
            &["double.npy"],
            &[
                "input 0",
                "takes f32[2,3]",
                "float64 [2, 3]",
                "astype(numpy.float32)",
            ],
        ),
        (
            &["w.npy"],
            &["takes f32[2,3]", "float32 [3, 2]", "reshape([2, 3])"],
        ),
        (
            &["short.npy"],
            &[
                "takes f32[2,3]",
                "float32 [2, 2]",
                "next: give an array of that shape",
            ],
        ),
        (
            &["cut.npy"],
            &["expected 24 bytes", "got 23", "save it again"],
        ),
        (&["objects.npy"], &["'|O'", "astype"]),
        (&["text.npy"], &["expected a .npy file", "numpy.save"]),
        (
            &["missing.npy"],
            &["cannot be read", "next: check the path"],
        ),
        (
            &["x.npy", "w.npy", "w.npy"],
            &["takes 2 inputs", "parameter 2", "next: leave out"],
        ),
        (&["0=x.npy", "0=w.npy"], &["parameter 0 is given twice"]),
    ];
    for (inputs, parts) in cases {
        let said = scene.refused(inputs);
        for part in parts {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_file_that_is_no_program_brings_the_compilers_message() {
    let Some(scene) = Scene::new() else { return };
    let line = "module {\n  func.func @main() { stablehlo.nonsense }\n}";
    let said = refused(&scene.args(scene.text("bad.mlir", line), &[]));
    for part in ["taken for an MLIR module", "2:23: error", "\nnext: "] {
        assert!(said.contains(part), "{part} in {said}");
    }
    std::fs::write(scene.path("noise.pb"), [1u8, 255, 0, 7, 9]).unwrap();
    let said = refused(&scene.args(scene.path("noise.pb"), &[]));
    assert!(
        said.contains("taken for a serialised HloModuleProto"),
        "{said}"
    );
    let said = refused(&scene.args(scene.path("nothing.mlir"), &[]));
    assert!(
        said.contains("nothing.mlir") && said.contains("next: "),
        "{said}"
    );
    let said = refused(&scene.args(scene.text("empty.mlir", ""), &[]));
    assert!(said.contains("empty"), "{said}");
}

#[test]
fn plugins_that_are_not_there_are_named() {
    let Some(scene) = Scene::new() else { return };
    let mut args = scene.args(DENSE, &[]);
    args.plugin = "no-such-plugin".to_owned();
    assert!(refused(&args).contains("no library of the plugin `no-such-plugin`"));
    args.plugin = "./no-such.so".to_owned();
    assert!(refused(&args).contains("no such file"));
}

#[test]
fn nothing_is_written_by_a_run_that_fails() {
    let Some(scene) = Scene::new() else { return };
    let mut args = scene.args(DENSE, &["w.npy"]);
    args.output = Some(scene.path("out"));
    refused(&args);
    assert!(!scene.path("out").exists());
    // A folder stands where the second file must go: the first is taken back.
    std::fs::create_dir_all(scene.path("out/output0.npy/full")).unwrap();
    args.input = scene.args(DENSE, &["x.npy"]).input;
    args.dump = vec![Dump::Optimised];
    assert!(refused(&args).contains("cannot write"));
    let names = std::fs::read_dir(scene.path("out")).unwrap().flatten();
    let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["output0.npy"]);
    args.output = Some(scene.path("x.npy"));
    assert!(refused(&args).contains("a folder was expected"));
}

#[test]
fn numpy_reads_what_is_written_and_what_it_writes_is_read() {
    let python = |code: &str, folder: &Path| {
        let mut command = Command::new("python3");
        command.args(["-c", code]).current_dir(folder);
        command
            .output()
            .ok()
            .filter(|output| output.status.success())
    };
    let Some(scene) = Scene::new() else { return };
    if python("import numpy", scene.0.path()).is_none() {
        eprintln!("skipped: python3 has no numpy; `pip install numpy` does it");
        return;
    }
    let code = "import numpy as n; n.save('n.npy', n.asfortranarray(n.arange(6, dtype='>f4').reshape(2, 3)))";
    python(code, scene.0.path()).unwrap();
    let mut args = scene.args(DENSE, &["n.npy", "w.npy"]);
    args.output = Some(scene.0.path().to_owned());
    printed(&args);
    let code = "import numpy as n; o = n.load('output0.npy'); x = n.load('n.npy'); w = n.load('w.npy'); \
                assert o.dtype == n.float32 and o.tolist() == n.maximum(x @ w + [.5, -1], 0).tolist()";
    assert!(python(code, scene.0.path()).is_some());
    for ty in [
        ElementType::PRED,
        ElementType::C128,
        ElementType::BF16,
        ElementType::U64,
    ] {
        let size = ty.host_size().unwrap();
        let file = npy::encode(ty, &[2, 3], &vec![1; 6 * size]).unwrap();
        std::fs::write(scene.path("t.npy"), file).unwrap();
        let code = format!(
            "import numpy as n; a = n.load('t.npy'); assert a.shape == (2, 3) and a.itemsize == {size}"
        );
        assert!(python(&code, scene.0.path()).is_some(), "{ty}");
    }
}
