//! Layouts of arrays in memory.

use crate::sys;

/// The row-major layout of an array of some rank: the last dimension varies fastest. It points
/// into `order`, which must outlive its use.
pub(crate) fn row_major(rank: usize, order: &mut Vec<i64>) -> sys::PJRT_Buffer_MemoryLayout {
    order.clear();
    order.extend((0..rank).rev().filter_map(|dim| i64::try_from(dim).ok()));
    let mut layout = sys::PJRT_Buffer_MemoryLayout::zeroed();
    layout.struct_size = sys::PJRT_Buffer_MemoryLayout_STRUCT_SIZE;
    layout.type_ = sys::PJRT_Buffer_MemoryLayout_Type_Tiled;
    let mut tiled = sys::PJRT_Buffer_MemoryLayout_Tiled::zeroed();
    tiled.struct_size = sys::PJRT_Buffer_MemoryLayout_Tiled_STRUCT_SIZE;
    tiled.minor_to_major = order.as_ptr();
    tiled.minor_to_major_size = order.len();
    layout.__bindgen_anon_1.tiled = tiled;
    layout
}
