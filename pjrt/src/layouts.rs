//! The extension that tells layouts of arrays on devices.

mod reader;
mod text;

pub use reader::LayoutError;
pub use text::{Layout, TileSize};

use crate::Result;
use crate::rt::Place;

pjrt_macros::generate!(extension layouts);
pjrt_macros::generate!(handle PJRT_Layouts_MemoryLayout);

impl MemoryLayout {
    /// The layout, read from the text that [`MemoryLayout::serialize`] gives.
    ///
    /// Calls `PJRT_Layouts_MemoryLayout_Serialize` (since PJRT 0.51).
    ///
    /// # Errors
    ///
    /// What the plugin reports; `InvalidOutput` if it gives something else than the text of a layout.
    pub fn layout(&self) -> Result<Layout> {
        const PLACE: Place = Place {
            function: "PJRT_Layouts_MemoryLayout_Serialize",
            field: "serialized_bytes",
        };
        let bytes = self.serialize()?;
        let text = std::str::from_utf8(&bytes).ok();
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| PLACE.invalid("bytes that are not the text of a layout"))
    }
}
