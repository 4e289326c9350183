//! Rust types that can be elements of an array.

use crate::ElementType;

/// A type whose values are laid out as the elements of an array in host memory.
///
/// # Safety
///
/// The type has no padding, any bit pattern that a plugin writes for [`Element::TYPE`] is a valid
/// value, and its size is that of the element in host memory.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
/// use pjrt::{Client, Element, Result};
///
/// fn round_trip<T: Element>(client: &Client, data: &[T]) -> Result<Vec<T>> {
///     client.buffer_from_slice(data, &[data.len() as i64])?.to_vec()
/// }
/// assert_eq!(round_trip(&client, &[-1i8, 2])?, [-1, 2]);
/// # Ok::<(), pjrt::Error>(())
/// ```
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The element type in PJRT.
    const TYPE: ElementType;
}

macro_rules! element {
    ($($rust:ty => $constant:ident),* $(,)?) => {
        $(
            // SAFETY: an integer or float of the same width as the element, without padding;
            // every bit pattern is a value.
            unsafe impl Element for $rust {
                const TYPE: ElementType = ElementType::$constant;
            }
        )*
    };
}

element! {
    i8 => S8, i16 => S16, i32 => S32, i64 => S64,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64,
    f32 => F32, f64 => F64,
}

/// Bytes that an element takes in host memory; none for what is no element of an array. Types
/// narrower than a byte take one.
pub(crate) fn host_size(ty: ElementType) -> Option<usize> {
    Some(match ty {
        ElementType::C128 => 16,
        ElementType::S64 | ElementType::U64 | ElementType::F64 | ElementType::C64 => 8,
        ElementType::S32 | ElementType::U32 | ElementType::F32 => 4,
        ElementType::S16 | ElementType::U16 | ElementType::F16 | ElementType::BF16 => 2,
        ElementType::INVALID | ElementType::TOKEN => return None,
        other => other.name().map(|_| 1)?,
    })
}
