//! The texts of a new crate.

use std::path::{Component, Path, PathBuf};

use pjrt_codegen::schema::Header;

/// What stands at the head of the judgements.
pub fn judgements(header: &Header) -> String {
    let name = header.extension.as_ref().map_or("", |e| e.name.as_str());
    format!(
        "# Judgements about the extension {name}: what its header does not say, each with the reason.
#
# `inferred` says how a judgement was guessed: look at it, and say in your own words why it holds.
# `# hole:` says what nobody can guess. An entry that is a comment is held back by a hole: until it is
# filled and the `#` are gone, the function is a checked call in `raw` and nothing else.
"
    )
}

/// The invocation of the macro; `update` adds the history to it.
pub fn invocation(module: &str) -> String {
    format!("pjrt::extension! {{ schema = \"{module}.json\", overlay = \"{module}.toml\" }}")
}

/// The same with older revisions of the header.
pub fn with_history(module: &str) -> String {
    format!(
        "pjrt::extension! {{ schema = \"{module}.json\", overlay = \"{module}.toml\", history = \"{module}.history.json\" }}"
    )
}

/// Everything but facts and judgements: text by path.
pub fn files(header: &Header, out: &Path) -> Vec<(String, String)> {
    let module = &header.module;
    let package = format!("{}-pjrt", module.replace('_', "-"));
    let extension = header.extension.clone().unwrap_or_default();
    let (name, number) = (&extension.name, extension.number);
    let pjrt = dependency(out);
    let manifest = format!(
        "[package]
name = \"{package}\"
description = \"The PJRT extension {name}\"
version = \"0.1.0\"
edition = \"2024\"
rust-version = \"1.89\"
publish = false

[lib]
name = \"{module}\"

[dependencies]
pjrt = {{ package = \"xla-pjrt\", {pjrt}, features = [\"extension-kit\"] }}

# It builds by itself, wherever it lies.
[workspace]
"
    );
    let lib = format!(
        "//! The PJRT extension {name} (number {number}), made of `{path}`.
//!
//! [`sys`] has the declarations of the header, [`raw`] a checked call for each of its functions, and
//! the types beside them are safe. The extension of a plugin is
//! `plugin.extension::<{module}::{name}>()?`.

{invocation}
",
        path = header.path,
        invocation = invocation(module)
    );
    let readme = format!(
        "# {package}

The PJRT extension {name} for Rust, over the crate `pjrt`.

| file | what it is |
|---|---|
| `{module}.json` | facts about `{path}`: extracted, never edited |
| `{module}.toml` | judgements: who owns what, for how long, which threads may call; each with a `why` |
| `src/lib.rs` | invokes the macro that makes bindings, checked calls and safe types of the two |

## What is next

1. Build it: `cargo build`.
2. Fill the holes in `{module}.toml` (`grep -n '# hole:' {module}.toml`): each says what to decide, and what
   may be right. An entry that a hole holds back is a comment; remove the `#` when it is filled. A text
   with three question marks is refused.
3. Read what was inferred: every `why` that begins with `inferred` is a guess from types and names.
4. What no method can be generated of is written by hand in `src/` over `raw`: name it in `path`.
5. See what is open: `cargo xtask vendor check --dir DIR`, from a checkout of `pjrt`.

A new revision of the header: `cargo xtask vendor update --header FILE --out DIR`. It keeps the facts of the
revision before in `{module}.history.json`, so that the crate goes on working with older plugins.
",
        path = header.path
    );
    vec![
        (".gitignore".to_owned(), "/target\n".to_owned()),
        ("Cargo.toml".to_owned(), manifest),
        ("README.md".to_owned(), readme),
        ("src/lib.rs".to_owned(), lib),
    ]
}

/// How the crate finds `pjrt`: by a path to this checkout, relative within it, else by version.
fn dependency(out: &Path) -> String {
    let root = crate::paths::root();
    let crate_of = root.join("pjrt");
    if !crate_of.join("Cargo.toml").is_file() {
        return format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    }
    let out = absolute(out);
    let path = match out.strip_prefix(absolute(&root)) {
        Ok(within) => {
            let up: PathBuf = within.components().map(|_| Component::ParentDir).collect();
            up.join("pjrt")
        }
        Err(_) => absolute(&crate_of),
    };
    let path = path.to_string_lossy().replace('\\', "/");
    format!("path = \"{path}\"")
}

/// The path without links as far as it exists.
fn absolute(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    match (full.parent(), full.file_name()) {
        (Some(parent), Some(name)) => absolute(parent).join(name),
        _ => full,
    }
}
