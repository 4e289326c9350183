//! Compiled programs together with what compiled them.

use super::{EnvelopeError, Identity, format};
use crate::rt::Handle as _;
use crate::{Client, Executable, LoadedExecutable, Result};
use std::fmt;

/// A compiled program as bytes, with the [`Identity`] of the plugin that compiled it.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
/// # let program = pjrt::Program::mlir("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }");
/// use pjrt::CompileOptions;
/// use pjrt::cache::Envelope;
///
/// let executable = client.compile(&program, &CompileOptions::new())?;
/// let bytes = executable.executable()?.to_envelope()?.to_bytes()?;
///
/// let envelope = Envelope::from_bytes(bytes)?;
/// // SAFETY: the bytes were written above.
/// let loaded = unsafe { client.load_envelope(&envelope) }?;
/// # let x = client.buffer_from_slice(&[1.0f32, 2.0], &[2])?;
/// # assert_eq!(loaded.run(&[&x])?[0].to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    identity: Identity,
    payload: Vec<u8>,
}

impl Envelope {
    /// Reads what [`Self::to_bytes`] wrote. Nothing is loaded yet.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Damaged`] for bytes that are no envelope, are cut short or were changed.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Envelope> {
        match format::read(bytes.into()) {
            Ok((fields, payload)) => Ok(Envelope {
                identity: Identity::from_fields(fields),
                payload,
            }),
            Err(problem) => Err(EnvelopeError::Damaged { problem }.into()),
        }
    }

    /// The envelope as bytes, with a checksum.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Damaged`] if what describes the program is larger than 4 GiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let head = format::head(self.identity.fields(), &self.payload);
        let mut bytes = head.map_err(|problem| EnvelopeError::Damaged { problem })?;
        bytes.extend_from_slice(&self.payload);
        Ok(bytes)
    }

    /// What compiled the program.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The plugin's own bytes: what [`Executable::serialize`] gave.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

impl Executable {
    /// The compiled program with the identity of its plugin, for [`Client::load_envelope`] in
    /// another process.
    ///
    /// The plugin's library file is read whole the first time that a process does this. Calls
    /// `PJRT_Executable_Serialize`, and `PJRT_Executable_GetAbiVersion` where the plugin has it.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Unidentified`] if the library file changed since it was loaded, or there is
    /// none (see [`crate::Plugin::identify_as`]); what the plugin reports.
    pub fn to_envelope(&self) -> Result<Envelope> {
        let identity = Identity::of_plugin(self.api(), None);
        let mut identity = identity.map_err(|problem| EnvelopeError::Unidentified { problem })?;
        identity.add_abi_version(self)?;
        Ok(Envelope {
            identity,
            payload: self.serialize()?.to_vec(),
        })
    }
}

impl Client {
    /// Loads a program that the same plugin compiled.
    ///
    /// The API version, the plugin's attributes and its library file must be the same, and on the
    /// platform `cpu` the processor; where the plugin has the extension `AbiVersion`, it is asked
    /// too. Calls `PJRT_Executable_DeserializeAndLoad`.
    ///
    /// # Safety
    ///
    /// The envelope comes from a place that is trusted like a program: it holds machine code that
    /// runs unchecked, and whoever can write an envelope can write any.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::OtherPlugin`] with both identities, before the plugin sees the bytes;
    /// [`EnvelopeError::Unidentified`] as for [`Executable::to_envelope`]; what the plugin reports.
    pub unsafe fn load_envelope(&self, envelope: &Envelope) -> Result<LoadedExecutable> {
        let ours = Identity::of_plugin(self.api(), None);
        let mut ours = ours.map_err(|problem| EnvelopeError::Unidentified { problem })?;
        if self.platform_name()? != "cpu" {
            // The program runs on another processor than this one.
            ours.forget_host();
        }
        let theirs = envelope.identity();
        if ours
            .iter()
            .any(|(name, value)| theirs.get(name) != Some(value))
        {
            let theirs = theirs.clone();
            return Err(EnvelopeError::OtherPlugin { theirs, ours }.into());
        }
        theirs.check_abi_version(self)?;
        // SAFETY: the same library wrote the bytes, by what the caller promises to trust. There is
        // no placement.
        unsafe { self.deserialize_and_load(&envelope.payload, None, None) }
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("identity", &self.identity)
            .field("bytes", &self.payload.len())
            .finish()
    }
}
