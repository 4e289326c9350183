//! Layouts of arrays in memory.

use crate::rt::{Api, Lower, Lowered, Place, guard, slice};
use crate::{Error, MemoryLayoutType, Result, sys};

/// How an array lies in memory: the order of its dimensions with tiles, or strides in bytes.
///
/// ```
/// use pjrt::MemoryLayout;
///
/// let column_major = MemoryLayout::minor_to_major(&[0, 1])?;
/// assert_eq!(column_major.order(), Some(&[0, 1][..]));
/// assert!(MemoryLayout::minor_to_major(&[0, 0]).is_err());
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemoryLayout(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Tiled {
        order: Vec<i64>,
        /// All tiles, one behind the other.
        tiles: Vec<i64>,
        lengths: Vec<usize>,
    },
    Strides(Vec<i64>),
}

impl MemoryLayout {
    /// The dimensions in this order, the one that varies fastest first.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the order does not name each dimension once.
    pub fn minor_to_major(order: &[i64]) -> Result<MemoryLayout> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq((0..).take(order.len())) {
            return Err(refused(format!(
                "{order:?} does not name each of {} dimensions once",
                order.len()
            )));
        }
        Ok(MemoryLayout(Kind::Tiled {
            order: order.to_vec(),
            tiles: Vec::new(),
            lengths: Vec::new(),
        }))
    }

    /// The last dimension varies fastest.
    pub fn row_major(rank: usize) -> MemoryLayout {
        let mut order: Vec<i64> = (0..).take(rank).collect();
        order.reverse();
        MemoryLayout(Kind::Tiled {
            order,
            tiles: Vec::new(),
            lengths: Vec::new(),
        })
    }

    /// Adds a tile: what lies together, by the sizes of the last dimensions.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a layout with strides, more sizes than dimensions, and sizes below 1.
    pub fn with_tile(mut self, tile: &[i64]) -> Result<MemoryLayout> {
        let Kind::Tiled {
            order,
            tiles,
            lengths,
        } = &mut self.0
        else {
            return Err(refused("a layout with strides has no tiles".to_owned()));
        };
        if tile.is_empty() || tile.iter().any(|size| *size < 1) {
            return Err(refused(format!("{tile:?} is no tile: sizes are from 1 up")));
        }
        if lengths.is_empty() && tile.len() > order.len() {
            return Err(refused(format!(
                "the tile {tile:?} has more sizes than the {} dimensions",
                order.len()
            )));
        }
        tiles.extend_from_slice(tile);
        lengths.push(tile.len());
        Ok(self)
    }

    /// The distance of neighbours in each dimension, in bytes. Only a few calls take such a layout.
    pub fn strides(bytes: &[i64]) -> MemoryLayout {
        MemoryLayout(Kind::Strides(bytes.to_vec()))
    }

    /// The order of the dimensions, the one that varies fastest first; none for strides.
    pub fn order(&self) -> Option<&[i64]> {
        match &self.0 {
            Kind::Tiled { order, .. } => Some(order),
            Kind::Strides(_) => None,
        }
    }

    /// The tiles; none for strides.
    pub fn tiles(&self) -> Vec<&[i64]> {
        let Kind::Tiled { tiles, lengths, .. } = &self.0 else {
            return Vec::new();
        };
        let mut rest = tiles.as_slice();
        let mut found = Vec::new();
        for length in lengths {
            let (tile, others) = rest.split_at_checked(*length).unwrap_or((rest, &[]));
            found.push(tile);
            rest = others;
        }
        found
    }

    /// The strides in bytes, if it has them.
    pub fn byte_strides(&self) -> Option<&[i64]> {
        match &self.0 {
            Kind::Strides(strides) => Some(strides),
            Kind::Tiled { .. } => None,
        }
    }

    /// Copies what a plugin gives.
    ///
    /// # Safety
    ///
    /// The kind says which part of the union is set, and its arrays live through the call.
    pub(crate) unsafe fn read(
        raw: &sys::PJRT_Buffer_MemoryLayout,
        place: Place,
    ) -> Result<MemoryLayout> {
        match MemoryLayoutType::from_raw(raw.type_) {
            MemoryLayoutType::TILED => {
                // SAFETY: the kind says that this part is set; the caller vouches for its arrays.
                unsafe {
                    let tiled = &raw.__bindgen_anon_1.tiled;
                    let order: &[i64] =
                        slice(tiled.minor_to_major, tiled.minor_to_major_size, place)?;
                    let lengths: &[usize] = slice(tiled.tile_dim_sizes, tiled.num_tiles, place)?;
                    let total = lengths
                        .iter()
                        .try_fold(0usize, |sum, length| sum.checked_add(*length))
                        .ok_or_else(|| place.invalid("tiles longer than memory"))?;
                    let tiles: &[i64] = slice(tiled.tile_dims, total, place)?;
                    Ok(MemoryLayout(Kind::Tiled {
                        order: order.to_vec(),
                        tiles: tiles.to_vec(),
                        lengths: lengths.to_vec(),
                    }))
                }
            }
            MemoryLayoutType::STRIDES => {
                // SAFETY: as above.
                let strides: &[i64] = unsafe {
                    let strides = &raw.__bindgen_anon_1.strides;
                    slice(strides.byte_strides, strides.num_byte_strides, place)?
                };
                Ok(MemoryLayout::strides(strides))
            }
            _ => Err(place.invalid("a kind of layout that this version does not know")),
        }
    }
}

fn refused(problem: String) -> Error {
    Error::InvalidArgument {
        function: "MemoryLayout",
        argument: "layout",
        problem,
    }
}

impl Lower for MemoryLayout {
    type Raw = sys::PJRT_Buffer_MemoryLayout;

    fn lower(&self, _api: &Api) -> Result<Lowered<'_, Self::Raw>> {
        let mut raw = sys::PJRT_Buffer_MemoryLayout::zeroed();
        raw.struct_size = sys::PJRT_Buffer_MemoryLayout_STRUCT_SIZE;
        match &self.0 {
            Kind::Tiled {
                order,
                tiles,
                lengths,
            } => {
                raw.type_ = MemoryLayoutType::TILED.as_raw();
                let mut tiled = sys::PJRT_Buffer_MemoryLayout_Tiled::zeroed();
                tiled.struct_size = sys::PJRT_Buffer_MemoryLayout_Tiled_STRUCT_SIZE;
                tiled.minor_to_major = order.as_ptr();
                tiled.minor_to_major_size = order.len();
                tiled.tile_dims = tiles.as_ptr();
                tiled.tile_dim_sizes = lengths.as_ptr();
                tiled.num_tiles = match guard::off("tiled_layout") {
                    true => tiles.len(),
                    false => lengths.len(),
                };
                #[cfg(pjrt_mutants)]
                if guard::off("temporary_in_args") {
                    let gone = order.clone();
                    tiled.minor_to_major = gone.as_ptr();
                    drop(gone.into_iter().map(|_| 1 << 40).collect::<Vec<i64>>());
                }
                raw.__bindgen_anon_1.tiled = tiled;
            }
            Kind::Strides(bytes) => {
                raw.type_ = MemoryLayoutType::STRIDES.as_raw();
                let mut strides = sys::PJRT_Buffer_MemoryLayout_Strides::zeroed();
                strides.struct_size = sys::PJRT_Buffer_MemoryLayout_Strides_STRUCT_SIZE;
                strides.byte_strides = bytes.as_ptr();
                strides.num_byte_strides = bytes.len();
                raw.__bindgen_anon_1.strides = strides;
            }
        }
        // SAFETY: the arrays are the value's own, which is borrowed.
        Ok(unsafe { Lowered::new(raw) })
    }

    fn rank(&self) -> usize {
        match &self.0 {
            Kind::Tiled { order, .. } => order.len(),
            Kind::Strides(strides) => strides.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_each_dimension_once() {
        assert!(MemoryLayout::minor_to_major(&[]).is_ok());
        assert!(MemoryLayout::minor_to_major(&[1, 0, 2]).is_ok());
        for order in [&[1][..], &[0, 0], &[-1, 0], &[0, 2]] {
            assert!(MemoryLayout::minor_to_major(order).is_err(), "{order:?}");
        }
        assert_eq!(MemoryLayout::row_major(3).order(), Some(&[2, 1, 0][..]));
    }

    #[test]
    fn tiles_come_back_as_they_were_given() {
        let layout = MemoryLayout::row_major(2).with_tile(&[8, 128]).unwrap();
        let layout = layout.with_tile(&[2, 1]).unwrap();
        assert_eq!(layout.tiles(), [&[8, 128][..], &[2, 1]]);
        assert!(MemoryLayout::row_major(1).with_tile(&[8, 128]).is_err());
        assert!(MemoryLayout::row_major(1).with_tile(&[0]).is_err());
        assert!(MemoryLayout::strides(&[4]).with_tile(&[1]).is_err());
    }
}
