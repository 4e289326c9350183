//! The list of what one installed plugin consists of, written last by an install.
//!
//! It is a text of one `key value` per line, so that finding a plugin needs no parser of ours or of
//! others. A folder without a readable list is not an installed plugin.

use std::path::{Path, PathBuf};

use super::names::is_plain_relative;

/// The file's name in the plugin's folder.
pub(crate) const FILE: &str = "pjrt-plugin.txt";
const HEADING: &str = "pjrt-plugin 1";

/// What one installed plugin consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub name: String,
    pub version: String,
    /// The library, relative to the folder.
    pub library: String,
    /// The sha256 of every wheel it came from.
    pub wheels: Vec<String>,
    /// Size and relative path of every file.
    pub files: Vec<(u64, String)>,
}

impl Manifest {
    /// Reads the list in `folder`; `None` where there is none or it cannot be read as one.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(folder.join(FILE)).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != HEADING {
            return None;
        }
        let mut manifest = Self::default();
        let mut whole = false;
        for line in lines {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "name" => manifest.name = value.to_owned(),
                "version" => manifest.version = value.to_owned(),
                "library" => manifest.library = value.to_owned(),
                "wheel" => manifest.wheels.push(value.to_owned()),
                "file" => {
                    let (size, path) = value.split_once(' ')?;
                    if !is_plain_relative(path) {
                        return None;
                    }
                    manifest.files.push((size.parse().ok()?, path.to_owned()));
                }
                "end" => whole = true,
                _ => {}
            }
        }
        (whole && is_plain_relative(&manifest.library)).then_some(manifest)
    }

    /// The text that [`Manifest::read`] reads.
    #[cfg_attr(not(any(test, feature = "install")), allow(dead_code))]
    pub(crate) fn to_text(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!("{HEADING}\nname {}\nversion {}\n", self.name, self.version);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "library {}", self.library);
        for wheel in &self.wheels {
            let _ = writeln!(text, "wheel {wheel}");
        }
        for (size, path) in &self.files {
            let _ = writeln!(text, "file {size} {path}");
        }
        text.push_str("end\n");
        text
    }

    /// Whether every file is there with its size.
    pub(crate) fn is_whole(&self, folder: &Path) -> bool {
        self.files.iter().all(|(size, path)| {
            folder
                .join(path)
                .metadata()
                .is_ok_and(|data| data.is_file() && data.len() == *size)
        }) && self.files.iter().any(|(_, path)| *path == self.library)
    }

    /// The library's path under `folder`.
    pub(crate) fn library_in(&self, folder: &Path) -> PathBuf {
        folder.join(&self.library)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        Manifest {
            name: "cpu".into(),
            version: "0.0.1".into(),
            library: "xla_plugins/a b.so".into(),
            wheels: vec!["00ff".into()],
            files: vec![(3, "xla_plugins/a b.so".into())],
        }
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(Manifest::parse(&sample().to_text()), Some(sample()));
    }

    #[test]
    fn a_cut_or_escaping_list_is_none() {
        let text = sample().to_text();
        let cut = text.strip_suffix("end\n").map(Manifest::parse);
        assert_eq!(cut, Some(None));
        assert_eq!(
            Manifest::parse(&text.replace("xla_plugins/a", "../a")),
            None
        );
        assert_eq!(Manifest::parse(""), None);
    }
}
