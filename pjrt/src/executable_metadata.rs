//! The extension that tells what a compiled program says of itself.

use crate::Result;
use crate::rt;

pjrt_macros::generate!(extension executable_metadata);
pjrt_macros::generate!(handle PJRT_ExecutableMetadata);

impl Metadata {
    /// The metadata as bytes: a serialized [`crate::proto::ExecutableMetadataProto`].
    ///
    /// # Errors
    ///
    /// [`crate::Error::InvalidOutput`] if the plugin gave null instead of bytes.
    pub fn bytes(&self) -> Result<&[u8]> {
        let place = rt::Place {
            function: "PJRT_ExecutableMetadata_GetExecutableMetadata",
            field: "serialized_metadata",
        };
        let raw = self.as_raw();
        // SAFETY: the plugin's struct and bytes are constant and live as long as this handle.
        unsafe {
            rt::slice(
                (*raw).serialized_metadata.cast(),
                (*raw).serialized_metadata_size,
                place,
            )
        }
    }
}
