//! Which plugins there are, from which packages, and what the packages hash to.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::InstallError;
use crate::find::{is_plain_name, is_plain_relative};

const COMPILED_IN: &str = include_str!("../../plugins.lock.json");
const FORMAT: u64 = 1;

/// A list of plugins and of the packages that they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    plugins: Vec<KnownPlugin>,
}

/// A plugin that can be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownPlugin {
    /// Its name, by which it is installed and found.
    pub name: String,
    /// A few words on what it is.
    pub about: String,
    /// Its version: that of its Python package.
    pub version: String,
    /// The library to load, relative to the plugin's folder.
    pub library: String,
    wheels: BTreeMap<String, Vec<Wheel>>,
}

/// A pinned Python package, and what is taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wheel {
    /// The package's name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The name of its file.
    pub file: String,
    /// The sha256 of its file, in small hexadecimal digits.
    pub sha256: String,
    /// The size of its file, where it is known.
    pub size: Option<u64>,
    /// The version of Python that pip is told to look for.
    pub python: String,
    /// Patterns for the members to take; `*` stands for any text without a slash.
    pub keep: Vec<String>,
}

/// The plugins of the catalogue that is compiled in.
#[must_use]
pub fn known() -> &'static [KnownPlugin] {
    Catalogue::compiled_in()
        .map(Catalogue::plugins)
        .unwrap_or_default()
}

/// This platform, by the name it has in a catalogue: `x86_64-linux`.
#[must_use]
pub fn platform() -> &'static str {
    static PLATFORM: OnceLock<String> = OnceLock::new();
    PLATFORM.get_or_init(|| {
        let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
        // The packages for Linux are for the GNU C library.
        let other_libc = os == "linux" && !cfg!(target_env = "gnu");
        format!(
            "{arch}-{os}{}",
            if other_libc { "-without-glibc" } else { "" }
        )
    })
}

impl Catalogue {
    /// The catalogue that is compiled in.
    pub(super) fn compiled_in() -> Result<&'static Self, InstallError> {
        static CATALOGUE: OnceLock<Result<Catalogue, String>> = OnceLock::new();
        let read = CATALOGUE.get_or_init(|| read(COMPILED_IN));
        read.as_ref().map_err(|reason| InstallError::Catalogue {
            reason: reason.clone(),
        })
    }

    /// Reads a catalogue from its JSON text, which is written like `plugins.lock.json` in this
    /// crate.
    ///
    /// # Errors
    ///
    /// [`InstallError::Catalogue`] names the entry and what was expected there.
    pub fn parse(json: &str) -> Result<Self, InstallError> {
        read(json).map_err(|reason| InstallError::Catalogue { reason })
    }

    /// The plugins, in order.
    #[must_use]
    pub fn plugins(&self) -> &[KnownPlugin] {
        &self.plugins
    }

    /// The plugin of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&KnownPlugin> {
        self.plugins.iter().find(|plugin| plugin.name == name)
    }
}

impl KnownPlugin {
    /// The packages for a platform, the plugin's own first; `None` where none is pinned.
    #[must_use]
    pub fn wheels_for(&self, platform: &str) -> Option<&[Wheel]> {
        self.wheels.get(platform).map(Vec::as_slice)
    }

    /// The platforms that packages are pinned for.
    pub fn platforms(&self) -> impl Iterator<Item = &str> {
        self.wheels.keys().map(String::as_str)
    }
}

impl Wheel {
    /// The platform tags at the end of the file's name.
    pub(super) fn platform_tags(&self) -> impl Iterator<Item = &str> {
        self.tag(0).split('.')
    }

    /// The tag of the binary interface in the file's name, `None` for `none`.
    pub(super) fn abi_tag(&self) -> Option<&str> {
        Some(self.tag(1)).filter(|tag| *tag != "none")
    }

    fn tag(&self, from_end: usize) -> &str {
        let stem = self.file.strip_suffix(".whl").unwrap_or(&self.file);
        stem.rsplit('-').nth(from_end).unwrap_or_default()
    }
}

fn read(json: &str) -> Result<Catalogue, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let root = Entry {
        at: "the catalogue".to_owned(),
        map: object(&value, "the catalogue")?,
    };
    match root.get("format")?.as_u64() {
        Some(FORMAT) => {}
        other => return Err(format!("`format`: expected {FORMAT}, got {other:?}")),
    }
    let mut catalogue = Catalogue::default();
    for (index, value) in root.list("plugins")?.iter().enumerate() {
        let at = format!("plugin {}", index + 1);
        let entry = Entry {
            map: object(value, &at)?,
            at,
        };
        let plugin = read_plugin(&entry)?;
        if catalogue.get(&plugin.name).is_some() {
            return Err(format!("the plugin `{}` is there twice", plugin.name));
        }
        catalogue.plugins.push(plugin);
    }
    Ok(catalogue)
}

fn read_plugin(entry: &Entry<'_>) -> Result<KnownPlugin, String> {
    let name = entry.checked("name", is_plain_name, "letters, digits, `-`, `_` and `.`")?;
    let at = format!("plugin `{name}`");
    let entry = Entry {
        at: at.clone(),
        map: entry.map,
    };
    let mut wheels = BTreeMap::new();
    for (platform, list) in object(entry.get("wheels")?, &at)? {
        let list = list
            .as_array()
            .ok_or_else(|| format!("{at}: `{platform}`: expected a list"))?;
        if list.is_empty() {
            return Err(format!("{at}: `{platform}`: expected at least one package"));
        }
        let read = |value| {
            let at = format!("{at}, a package for {platform}");
            read_wheel(&Entry {
                map: object(value, &at)?,
                at,
            })
        };
        wheels.insert(
            platform.clone(),
            list.iter().map(read).collect::<Result<Vec<_>, _>>()?,
        );
    }
    Ok(KnownPlugin {
        name,
        about: entry.string("about")?,
        version: entry.checked(
            "version",
            is_plain_name,
            "letters, digits, `-`, `_` and `.`",
        )?,
        library: entry.checked("library", is_plain_relative, "a path below the folder")?,
        wheels,
    })
}

fn read_wheel(entry: &Entry<'_>) -> Result<Wheel, String> {
    let is_sha256 = |text: &str| {
        text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_wheel = |text: &str| {
        text.ends_with(".whl") && text.split('-').count() >= 5 && is_plain_relative(text)
    };
    let keep = entry.list("keep")?.iter().map(|pattern| {
        let at = &entry.at;
        pattern
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("{at}: `keep`: expected texts"))
    });
    Ok(Wheel {
        package: entry.checked("package", is_plain_name, "a package's name")?,
        version: entry.checked("version", is_plain_name, "a version")?,
        file: entry.checked("file", is_wheel, "the name of a .whl file with its tags")?,
        sha256: entry.checked("sha256", is_sha256, "64 small hexadecimal digits")?,
        size: entry.map.get("size").and_then(Value::as_u64),
        python: entry.checked("python", is_plain_name, "a version of Python")?,
        keep: keep.collect::<Result<_, _>>()?,
    })
}

/// An object of the catalogue, and how to speak of it.
struct Entry<'v> {
    at: String,
    map: &'v Map<String, Value>,
}

impl Entry<'_> {
    fn get(&self, key: &str) -> Result<&Value, String> {
        self.map
            .get(key)
            .ok_or_else(|| format!("{}: expected a key `{key}`", self.at))
    }

    fn string(&self, key: &str) -> Result<String, String> {
        let text = self.get(key)?.as_str();
        text.map(str::to_owned)
            .ok_or_else(|| format!("{}: `{key}`: expected a text", self.at))
    }

    fn checked(
        &self,
        key: &str,
        right: impl Fn(&str) -> bool,
        expected: &str,
    ) -> Result<String, String> {
        let text = self.string(key)?;
        if right(&text) {
            Ok(text)
        } else {
            Err(format!(
                "{}: `{key}`: expected {expected}, got {text:?}",
                self.at
            ))
        }
    }

    fn list(&self, key: &str) -> Result<&Vec<Value>, String> {
        let list = self.get(key)?.as_array();
        list.ok_or_else(|| format!("{}: `{key}`: expected a list", self.at))
    }
}

fn object<'v>(value: &'v Value, at: &str) -> Result<&'v Map<String, Value>, String> {
    value
        .as_object()
        .ok_or_else(|| format!("{at}: expected an object"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::glob;

    #[test]
    fn the_compiled_in_catalogue_is_sound() {
        let catalogue = Catalogue::compiled_in().expect("it can be read");
        let names: Vec<_> = known().iter().map(|plugin| plugin.name.as_str()).collect();
        assert_eq!(
            names,
            ["cpu", "tpu", "cuda13", "cuda12-0.4.30", "cuda12-0.9.0"]
        );
        for plugin in catalogue.plugins() {
            let wheels = plugin
                .wheels_for("x86_64-linux")
                .expect("packages for Linux");
            let own = &wheels[0];
            assert_eq!(own.version, plugin.version);
            assert!(
                own.keep
                    .iter()
                    .any(|keep| glob::matches(keep, &plugin.library))
            );
            for wheel in wheels {
                assert!(
                    wheel
                        .platform_tags()
                        .all(|tag| tag.starts_with("manylinux"))
                );
            }
        }
        let tpu = &catalogue
            .get("tpu")
            .and_then(|tpu| tpu.wheels_for("x86_64-linux"));
        assert_eq!(tpu.and_then(|wheels| wheels[0].abi_tag()), Some("cp311"));
    }

    #[test]
    fn a_broken_catalogue_is_told_with_its_entry() {
        let good = r#"{"format": 1, "plugins": [{"name": "p", "about": "", "version": "1",
            "library": "p/p.so", "wheels": {"x": [{"package": "p", "version": "1",
            "file": "p-1-py3-none-any.whl", "python": "3.12", "keep": ["p/*"], "sha256":
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}]}}]}"#;
        assert!(Catalogue::parse(good).is_ok());
        for (from, to, expected) in [
            ("\"format\": 1", "\"format\": 2", "expected 1"),
            ("\"name\": \"p\"", "\"name\": \"../p\"", "plugin 1: `name`"),
            ("p/p.so", "../p.so", "plugin `p`: `library`"),
            ("0123", "012", "`sha256`: expected 64"),
            ("p-1-py3-none-any.whl", "/p-1-py3-none-any.whl", "`file`"),
            ("\"keep\"", "\"kept\"", "expected a key `keep`"),
            ("{\"format\"", "[\"format\"", "expected"),
        ] {
            let error = Catalogue::parse(&good.replacen(from, to, 1)).expect_err(to);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
