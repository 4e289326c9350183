//! A layout as XLA writes it down: `{1,0:T(8,128)(2,1)}`.

use std::fmt;

use crate::MemoryLayout;

/// How an array lies in a device's memory, read from its text and written as such.
///
/// The text is a list of dimensions in braces, the one that varies fastest first. Behind a colon
/// may follow, in this order: tiles `T(8,128)(2,1)`, the alignment of the array's end `L(1024)`,
/// the types of indices `#(u32)` and pointers `*(u32)`, the size of an element `E(4)`, the memory
/// space `S(1)`, splits `SC(0:128)`, a physical shape `P(f32[8]{0})`, and the size of the metadata
/// in front of the array `M(4)`. Old versions write the kinds of the dimensions first, `D(D,C)`.
///
/// ```
/// use pjrt::layouts::{Layout, TileSize};
///
/// let layout: Layout = "{1,0:T(8,128)(2,1)E(4)}".parse()?;
/// assert_eq!(layout.minor_to_major(), [1, 0]);
/// assert_eq!(layout.tiles()[0], [TileSize::Elements(8), TileSize::Elements(128)]);
/// assert_eq!(layout.element_bits(), Some(4));
/// assert_eq!(layout.to_string(), "{1,0:T(8,128)(2,1)E(4)}");
///
/// let error = "{1,0:T(8,128}".parse::<Layout>().unwrap_err();
/// assert_eq!(error.position(), 12);
/// # Ok::<(), pjrt::layouts::LayoutError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    pub(super) minor_to_major: Vec<i64>,
    pub(super) levels: Option<String>,
    pub(super) tiles: Vec<Vec<TileSize>>,
    pub(super) end_alignment: i64,
    pub(super) index_type: Option<String>,
    pub(super) pointer_type: Option<String>,
    pub(super) element_bits: i64,
    pub(super) memory_space: i64,
    pub(super) splits: Vec<(i64, Vec<i64>)>,
    pub(super) physical_shape: Option<String>,
    pub(super) metadata_bytes: i64,
}

/// The extent of a tile in one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TileSize {
    /// So many elements.
    Elements(i64),
    /// The dimension is joined with the next more minor one before it is tiled: `*`.
    Joined,
}

impl Layout {
    /// The dimensions, the one that varies fastest first.
    pub fn minor_to_major(&self) -> &[i64] {
        &self.minor_to_major
    }

    /// The tiles, each by its extents in the last dimensions; the first one divides the array, the
    /// others what the one before them has made.
    pub fn tiles(&self) -> &[Vec<TileSize>] {
        &self.tiles
    }

    /// The number of elements that the array's end is padded to a multiple of; 1 is no padding.
    pub fn end_alignment(&self) -> i64 {
        self.end_alignment
    }

    /// XLA's name of the type that indices into a sparse array have, if the text gives one.
    pub fn index_type(&self) -> Option<&str> {
        self.index_type.as_deref()
    }

    /// XLA's name of the type that positions in a sparse array have, if the text gives one.
    pub fn pointer_type(&self) -> Option<&str> {
        self.pointer_type.as_deref()
    }

    /// The room that an element takes, in bits; none: as much as its type has.
    pub fn element_bits(&self) -> Option<i64> {
        (self.element_bits != 0).then_some(self.element_bits)
    }

    /// The number of the memory space; 0 is the default one.
    pub fn memory_space(&self) -> i64 {
        self.memory_space
    }

    /// The dimensions that are split over several memories, with the indices where the parts begin.
    pub fn splits(&self) -> &[(i64, Vec<i64>)] {
        &self.splits
    }

    /// The text of the shape that the array has in memory, if it is another than its own.
    pub fn physical_shape(&self) -> Option<&str> {
        self.physical_shape.as_deref()
    }

    /// The room in front of an array of dynamic shape where its extents are kept, in bytes.
    pub fn metadata_bytes(&self) -> i64 {
        self.metadata_bytes
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}", list(&self.minor_to_major))?;
        let mut rest = String::new();
        let mut add = |name: &str, value: &dyn fmt::Display| {
            rest.push_str(&format!("{name}({value})"));
        };
        if let Some(levels) = &self.levels {
            add("D", levels);
        }
        for (i, tile) in self.tiles.iter().enumerate() {
            add(if i == 0 { "T" } else { "" }, &list(tile));
        }
        if self.end_alignment != 1 {
            add("L", &self.end_alignment);
        }
        for (name, ty) in [("#", &self.index_type), ("*", &self.pointer_type)] {
            if let Some(ty) = ty {
                add(name, ty);
            }
        }
        if self.element_bits != 0 {
            add("E", &self.element_bits);
        }
        if self.memory_space != 0 {
            add("S", &self.memory_space);
        }
        for (i, (dimension, indices)) in self.splits.iter().enumerate() {
            let split = format!("{dimension}:{}", list(indices));
            add(if i == 0 { "SC" } else { "" }, &split);
        }
        if let Some(shape) = &self.physical_shape {
            add("P", shape);
        }
        if self.metadata_bytes != 0 {
            add("M", &self.metadata_bytes);
        }
        let colon = if rest.is_empty() { "" } else { ":" };
        write!(f, "{colon}{rest}}}")
    }
}

impl fmt::Display for TileSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TileSize::Elements(size) => size.fmt(f),
            TileSize::Joined => f.write_str("*"),
        }
    }
}

fn list(items: &[impl fmt::Display]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(",")
}

/// What calls can be given as [`MemoryLayout`]: dimensions and tiles, and nothing else.
impl TryFrom<&Layout> for MemoryLayout {
    type Error = crate::Error;

    fn try_from(layout: &Layout) -> crate::Result<MemoryLayout> {
        let plain = Layout {
            minor_to_major: layout.minor_to_major.clone(),
            tiles: layout.tiles.clone(),
            ..Layout::of(Vec::new())
        };
        let refused = |problem: &str| crate::Error::InvalidArgument {
            function: "MemoryLayout",
            argument: "layout",
            problem: format!("{layout}: {problem}"),
        };
        if plain != *layout {
            return Err(refused("only dimensions and tiles can be given to a call"));
        }
        let mut given = MemoryLayout::minor_to_major(&layout.minor_to_major)?;
        for tile in &layout.tiles {
            let sizes = tile.iter().map(|size| match size {
                TileSize::Elements(size) => Ok(*size),
                TileSize::Joined => Err(refused("joined dimensions cannot be given to a call")),
            });
            given = given.with_tile(&sizes.collect::<crate::Result<Vec<_>>>()?)?;
        }
        Ok(given)
    }
}

impl Layout {
    /// Dimensions and nothing else.
    pub(super) fn of(minor_to_major: Vec<i64>) -> Layout {
        Layout {
            minor_to_major,
            levels: None,
            tiles: Vec::new(),
            end_alignment: 1,
            index_type: None,
            pointer_type: None,
            element_bits: 0,
            memory_space: 0,
            splits: Vec::new(),
            physical_shape: None,
            metadata_bytes: 0,
        }
    }
}
