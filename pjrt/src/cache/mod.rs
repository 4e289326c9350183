//! Compiled programs kept on disk, so that a program's next start does not compile again.
//!
//! ```
//! # pjrt_doc::ready("cpu");
//! # let folder = std::env::temp_dir().join(format!("pjrt-doc-{}", std::process::id()));
//! use pjrt::cache::CompilationCache;
//! use pjrt::{CompileOptions, Plugin, Program};
//!
//! let client = Plugin::find("cpu")?.create_client(&Default::default())?;
//! let program = Program::mlir("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }");
//! let cache = CompilationCache::open(&folder)?;
//! let executable = cache.compile(&client, &program, &CompileOptions::new())?;
//! let (again, outcome) = cache.compile_with_outcome(&client, &program, &CompileOptions::new())?;
//! assert!(outcome.is_hit(), "{outcome}");
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), pjrt::Error>(())
//! ```
//!
//! # What an entry is kept under
//!
//! The program and its format, the compile options, and the [`Identity`] of what compiled it: the
//! plugin's API version, its attributes, the sha256 of its library file, the platform's name and
//! version, every device with its attributes, the processor of the host, and the variables that the
//! plugins of XLA read flags from (`XLA_FLAGS`, `LIBTPU_INIT_ARGS`). All of it stands in the entry
//! in clear and is compared, so an entry that another plugin wrote is never loaded. What else a
//! compilation depends on can be added ([`CacheBuilder::key_part`]). Where the plugin has the
//! extension `AbiVersion`, it is also asked whether it runs the program.
//!
//! The library file is read whole, for the plugins in use carry no other mark of their contents;
//! the result is kept in the cache's folder together with the file's size, times and number, so it
//! is read once for each file, not once for each start. A library that was replaced since it was
//! loaded is not known any more: the cache is then passed by.
//!
//! # What goes wrong
//!
//! Nothing that happens to the folder fails a compilation: an entry that is damaged, foreign or cut
//! short is removed and the program compiled; where the entry cannot be written, the program is
//! returned nevertheless. The [`Outcome`] tells. Entries are written beside their place and then
//! moved there, so that other processes see whole ones only; no locks are held. When the folder
//! grows over its limit, the entries that were not used for the longest time go first.
//!
//! # Trust
//!
//! Entries hold machine code that runs unchecked: the folder is to be trusted as much as the
//! program itself. One that others may write to is refused, unless [`CacheBuilder::shared`] says
//! that they are trusted.

mod builder;
mod envelope;
mod envelope_error;
mod folder;
mod format;
mod identity;
pub(crate) mod library;
mod outcome;
mod surroundings;

pub use builder::CacheBuilder;
pub use envelope::Envelope;
pub use envelope_error::EnvelopeError;
pub use identity::Identity;
pub use outcome::{Miss, Outcome};

use crate::{Client, CompileOptions, Error, LoadedExecutable, Program, Result};
use folder::Folder;
use std::fmt;
use std::path::Path;

/// A folder of compiled programs. It may be used by many threads and processes at once.
pub struct CompilationCache {
    folder: Folder,
    /// What the caller adds to every key.
    key_part: Vec<u8>,
}

impl CompilationCache {
    /// Opens a folder, which is made where it is missing, with the default limit.
    ///
    /// # Errors
    ///
    /// As [`CacheBuilder::open`].
    pub fn open(folder: impl AsRef<Path>) -> Result<CompilationCache> {
        Self::builder().folder(folder.as_ref()).open()
    }

    /// A cache with other settings.
    pub fn builder() -> CacheBuilder {
        CacheBuilder::new()
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Loads the program from the cache, or compiles it and puts it there.
    ///
    /// Calls `PJRT_Executable_DeserializeAndLoad`, or `PJRT_Client_Compile` and
    /// `PJRT_Executable_Serialize`.
    ///
    /// # Errors
    ///
    /// As [`Client::compile`]; the cache adds none of its own.
    pub fn compile(
        &self,
        client: &Client,
        program: &Program<'_>,
        options: &CompileOptions,
    ) -> Result<LoadedExecutable> {
        Ok(self.compile_with_outcome(client, program, options)?.0)
    }

    /// As [`Self::compile`], and tells where the program came from.
    ///
    /// # Errors
    ///
    /// As [`Client::compile`].
    pub fn compile_with_outcome(
        &self,
        client: &Client,
        program: &Program<'_>,
        options: &CompileOptions,
    ) -> Result<(LoadedExecutable, Outcome)> {
        let key = match self.key(client, program, options) {
            Ok(key) => key,
            Err(why) => {
                let executable = client.compile(program, options)?;
                return Ok((executable, Outcome::Bypassed { why }));
            }
        };
        let name = key.entry_name();
        let why = match self.look(client, &key, &name) {
            Ok((executable, bytes)) => return Ok((executable, Outcome::Hit { bytes })),
            Err(why) => why,
        };
        let executable = client.compile(program, options)?;
        let not_stored = self.store(&executable, key, &name).err();
        Ok((executable, Outcome::Miss { why, not_stored }))
    }

    fn key(
        &self,
        client: &Client,
        program: &Program<'_>,
        options: &CompileOptions,
    ) -> std::result::Result<Identity, String> {
        let mut key = Identity::of_client(client, Some(self.folder.path()))?;
        key.add("format", program.format());
        key.add_hash("program", program.code());
        key.add_hash("options", &options.to_bytes());
        key.add_hash("key part", &self.key_part);
        Ok(key)
    }

    /// The entry, loaded. One that is not what it should be is removed.
    fn look(
        &self,
        client: &Client,
        key: &Identity,
        name: &str,
    ) -> std::result::Result<(LoadedExecutable, u64), Miss> {
        let Some(bytes) = self.folder.read(name).map_err(Miss::Unreadable)? else {
            return Err(Miss::Absent);
        };
        let size = bytes.len() as u64;
        match load(client, key, bytes) {
            Ok(executable) => {
                self.folder.touch(name);
                Ok((executable, size))
            }
            Err(why) => {
                self.folder.remove(name);
                Err(why)
            }
        }
    }

    fn store(&self, executable: &LoadedExecutable, mut key: Identity, name: &str) -> Result<()> {
        let executable = executable.executable()?;
        let payload = executable.serialize()?;
        key.add_abi_version(&executable)?;
        let head = format::head(key.fields(), &payload).map_err(|problem| Error::File {
            path: self.folder.path().join(name),
            problem: problem.to_owned(),
        })?;
        self.folder.write(name, &[&head, &payload])
    }
}

/// Loads an entry if it is the one of the key.
fn load(
    client: &Client,
    key: &Identity,
    bytes: Vec<u8>,
) -> std::result::Result<LoadedExecutable, Miss> {
    let envelope = Envelope::from_bytes(bytes).map_err(|error| Miss::Damaged {
        problem: error.to_string(),
    })?;
    if !key.is_key_of(envelope.identity()) {
        return Err(Miss::OtherIdentity {
            found: envelope.identity().clone(),
        });
    }
    let fits = envelope.identity().check_abi_version(client);
    fits.map_err(Miss::Incompatible)?;
    // SAFETY: the identity says that the same library wrote the bytes, the checksum that they are
    // whole, and the folder they lie in is one that only trusted users write to. There is no
    // placement.
    unsafe { client.deserialize_and_load(envelope.payload(), None, None) }.map_err(Miss::Refused)
}

impl fmt::Debug for CompilationCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompilationCache")
            .field("folder", &self.folder.path())
            .finish_non_exhaustive()
    }
}
