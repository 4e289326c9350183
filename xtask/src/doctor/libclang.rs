//! libclang, as far as one can tell without loading it.

use std::path::{Path, PathBuf};

use super::machine::{Answer, Machine};
use super::{Row, State};

/// Where it is, or whether it can be fetched.
pub fn row(machine: &Machine, pip: bool) -> Row {
    const NAME: &str = "libclang";
    let next = "apt-get install libclang-dev, or set LIBCLANG_PATH to the folder of one";
    if let Some(given) = machine.var("LIBCLANG_PATH") {
        let path = PathBuf::from(given);
        let library = if path.is_file() {
            Some(path.clone())
        } else {
            in_folder(&path)
        };
        return match library {
            Some(library) => Row::ready(NAME, shown(&library)),
            None => {
                let what = format!("LIBCLANG_PATH is {}, where there is none", path.display());
                Row::lacking(
                    NAME,
                    State::Broken,
                    what,
                    "correct LIBCLANG_PATH, or leave it unset",
                )
            }
        }
        .needed();
    }
    let found = folders(machine).iter().find_map(|folder| in_folder(folder));
    match found {
        Some(library) => Row::ready(NAME, shown(&library)),
        None if pip => Row {
            next: None,
            ..Row::lacking(
                NAME,
                State::Fetched,
                "none found; pip fetches it into target/",
                "",
            )
        },
        None => Row::lacking(
            NAME,
            State::Missing,
            "none found, and there is no pip to fetch it",
            next,
        ),
    }
    .needed()
}

/// The folders where it usually is, and where a fetched one is.
fn folders(machine: &Machine) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let config = machine
        .var("LLVM_CONFIG_PATH")
        .unwrap_or("llvm-config".as_ref());
    if let Answer::Good(folder) = machine.ask(config, &["--libdir"]) {
        folders.push(PathBuf::from(folder.trim()));
    }
    if let Some(list) = machine.var("LD_LIBRARY_PATH") {
        folders.extend(std::env::split_paths(list));
    }
    let below = |folder: PathBuf, rest: &str| -> Vec<PathBuf> {
        let names = Machine::names(&folder).into_iter().rev();
        names.map(|name| folder.join(name).join(rest)).collect()
    };
    for base in ["usr/local/lib", "usr/lib", "usr/lib64"] {
        let base = machine.system.join(base);
        folders.push(base.clone());
        folders.extend(below(base.clone(), ""));
        folders.extend(below(base, "lib"));
    }
    for other in [
        "opt/homebrew/opt/llvm/lib",
        "usr/local/opt/llvm/lib",
        "Library/Developer/CommandLineTools/usr/lib",
    ] {
        folders.push(machine.system.join(other));
    }
    folders.extend(below(machine.target.join("libclang"), ""));
    folders
}

fn in_folder(folder: &Path) -> Option<PathBuf> {
    let is_one = |name: &str| {
        let rest = name.strip_prefix("libclang");
        let rest = rest.map(|rest| {
            rest.trim_start_matches(|c: char| c == '-' || c == '.' || c.is_ascii_digit())
        });
        rest.is_some_and(|rest| {
            ["so", "dylib", "dll"]
                .iter()
                .any(|end| rest == *end || rest.starts_with(&format!("{end}.")))
        })
    };
    let name = Machine::names(folder)
        .into_iter()
        .rev()
        .find(|name| is_one(name))?;
    Some(folder.join(name))
}

/// The path, and the version as far as the path tells.
fn shown(library: &Path) -> String {
    let real = library
        .canonicalize()
        .unwrap_or_else(|_| library.to_owned());
    let text = real.to_string_lossy();
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let numbers = numbers.map(|part| part.trim_matches('.'));
    let version = numbers
        .filter(|part| !part.is_empty())
        .max_by_key(|part| part.len());
    let version = version.map_or(String::new(), |version| format!(", version {version}"));
    format!("{}{version}", library.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_library_are_known_and_others_left() {
        let folder = tempfile::tempdir().unwrap();
        for (name, is_one) in [
            ("libclang-cpp.so.14", false),
            ("libclang.a", false),
            ("libclang_rt.so", false),
            ("libclang.dylib", true),
            ("libclang.so.1", true),
            ("libclang-14.so.14.0.6", true),
        ] {
            let file = folder.path().join(name);
            std::fs::write(&file, "").unwrap();
            assert_eq!(in_folder(folder.path()).is_some(), is_one, "{name}");
            std::fs::remove_file(file).unwrap();
        }
    }
}
