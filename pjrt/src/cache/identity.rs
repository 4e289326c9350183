//! What compiled a program.

use super::format::{self, Fields, hex, sha256, unhex};
use super::{library, surroundings};
use crate::abi_version::AbiVersion;
use crate::rt::{Api, Handle as _};
use crate::{
    Client, DeviceDescription, Error, ErrorCode, Executable, NamedValues, Plugin, Result, Value,
};
use std::fmt;
use std::path::Path;

const HOST: &str = "host";
const ABI_VERSION: &str = "abi version";

/// What compiled a program, as named values in clear: the plugin's version, attributes and library
/// file; in a cache, all that the compilation depended on.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    fields: Fields,
}

impl Identity {
    /// A value by its name, such as `library` or `api`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(super) fn from_fields(fields: Fields) -> Identity {
        Identity { fields }
    }

    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    pub(super) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.fields.push((name.to_owned(), value.into()));
    }

    pub(super) fn add_hash(&mut self, name: &str, bytes: &[u8]) {
        self.add(
            name,
            format!("{} bytes, sha256:{}", bytes.len(), sha256(bytes)),
        );
    }

    pub(super) fn forget_host(&mut self) {
        self.fields.retain(|(name, _)| name != HOST);
    }

    /// The plugin's identity; an error says why it has none. `memory` is a folder that remembers
    /// what library files hashed to.
    pub(super) fn of_plugin(
        api: &'static Api,
        memory: Option<&Path>,
    ) -> std::result::Result<Identity, String> {
        let library = library::fingerprint(api, memory)?;
        let plugin = Plugin { api };
        let mut identity = Identity { fields: Vec::new() };
        identity.add("api", plugin.api_version().to_string());
        let attributes = match plugin.attributes() {
            Ok(values) => attributes(values).map_err(|error| error.to_string())?,
            Err(Error::Unimplemented { .. }) => Vec::new(),
            Err(error) => return Err(error.to_string()),
        };
        identity.add("plugin attributes", attributes.join(", "));
        identity.add("library", library);
        identity.add(HOST, surroundings::processor());
        Ok(identity)
    }

    /// The identity of a plugin with its devices; an error says why it has none.
    pub(super) fn of_client(
        client: &Client,
        memory: Option<&Path>,
    ) -> std::result::Result<Identity, String> {
        let mut identity = Identity::of_plugin(client.api(), memory)?;
        identity.add_platform(client).map_err(|error| match error {
            Unidentified::Plugin(error) => error.to_string(),
            Unidentified::Processes => "the client works together with other processes, which would have to find the same in their caches".to_owned(),
        })?;
        for (name, value) in surroundings::flags() {
            identity.add(name, value);
        }
        Ok(identity)
    }

    fn add_platform(&mut self, client: &Client) -> std::result::Result<(), Unidentified> {
        self.add("platform", client.platform_name()?);
        self.add("platform version", client.platform_version()?);
        let process = client.process_index()?;
        let mut kinds: Vec<(String, usize)> = Vec::new();
        let mut details = Vec::new();
        for device in client.devices()? {
            let description = device.description()?;
            if description.process_index()? != process {
                return Err(Unidentified::Processes);
            }
            let kind = description.kind()?.to_owned();
            details.push(detail(&description)?);
            match kinds.last_mut().filter(|(last, _)| *last == kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((kind, 1)),
            }
        }
        let topology = client.topology_description();
        match topology.and_then(|topology| attributes(topology.attributes()?)) {
            Ok(values) => details.push(values.join("\n")),
            // The devices say the same where the plugin has none.
            Err(error) if error.code() == ErrorCode::UNIMPLEMENTED => {}
            Err(error) => return Err(error.into()),
        }
        let kinds = kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
        self.add("devices", kinds.collect::<Vec<_>>().join(", "));
        self.add_hash("device details", details.join("\n\n").as_bytes());
        Ok(())
    }

    /// Whether an entry that says that it is `found` belongs to this key: the program's own version
    /// is known only when it is compiled.
    pub(super) fn is_key_of(&self, found: &Identity) -> bool {
        let rest = found.fields.iter().filter(|(name, _)| name != ABI_VERSION);
        rest.eq(self.fields.iter())
    }

    /// The name of the file of an entry under this key.
    pub(super) fn entry_name(&self) -> String {
        // No text is that large; those that were would have one name and be told apart in clear.
        let bytes = format::encoded(&self.fields).unwrap_or_default();
        sha256(&bytes)
    }

    /// Notes the version that the program needs, where the plugin tells.
    pub(super) fn add_abi_version(&mut self, executable: &Executable) -> Result<()> {
        let plugin = Plugin {
            api: executable.api(),
        };
        let Ok(versions) = plugin.extension::<AbiVersion>() else {
            return Ok(());
        };
        let version = versions.of_executable(executable);
        match version.and_then(|version| Ok(hex(&version.to_proto()?))) {
            Ok(version) => self.add(ABI_VERSION, version),
            Err(error) if error.code() == ErrorCode::UNIMPLEMENTED => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Asks the plugin whether it runs a program of the noted version, where it can tell.
    pub(super) fn check_abi_version(&self, client: &Client) -> Result<()> {
        let plugin = Plugin { api: client.api() };
        let noted = self.get(ABI_VERSION).and_then(unhex);
        let (Some(noted), Ok(versions)) = (noted, plugin.extension::<AbiVersion>()) else {
            return Ok(());
        };
        let check = || {
            let runtime = versions.of_client(client)?;
            runtime.check_executable(&versions.executable_from_proto(&noted)?)
        };
        match check() {
            Err(error) if error.code() != ErrorCode::UNIMPLEMENTED => Err(error),
            _ => Ok(()),
        }
    }
}

/// Why a client cannot be identified.
enum Unidentified {
    Plugin(Error),
    Processes,
}

impl From<Error> for Unidentified {
    fn from(error: Error) -> Self {
        Unidentified::Plugin(error)
    }
}

fn detail(device: &DeviceDescription) -> Result<String> {
    let (id, kind) = (device.id()?, device.kind()?);
    let attributes = match device.attributes() {
        Ok(values) => attributes(values)?,
        Err(error) if error.code() == ErrorCode::UNIMPLEMENTED => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(format!("{id} {kind:?}\n{}", attributes.join("\n")))
}

/// The attributes in the order of their names, for plugins give them in any order.
fn attributes(values: NamedValues<'_>) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for value in values.iter() {
        let value = value?;
        all.push(match value.value {
            Value::String(bytes) if value.value.as_str().is_none_or(|text| text.len() > 64) => {
                format!("{}=sha256:{}", value.name, sha256(bytes))
            }
            Value::Float(number) => format!("{}={:08x}", value.name, number.to_bits()),
            other => format!("{}={other:?}", value.name),
        });
    }
    all.sort();
    Ok(all)
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, value)) in self.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{name}: {value:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
