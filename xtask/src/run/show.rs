//! Arrays as text, the middle left out where they are long.

use pjrt::ElementType;

use super::elements;

/// An array of at most so many elements is shown whole.
const WHOLE: usize = 64;
/// Of longer ones, so many at each end of the last two dimensions; one at each end of the others.
const EDGE: usize = 3;

/// What an array is, such as `f32[2,3]`.
pub fn kind(ty: ElementType, dims: &[i64]) -> String {
    let dims: Vec<String> = dims.iter().map(i64::to_string).collect();
    format!(
        "{}[{}]",
        ty.to_string().to_ascii_lowercase(),
        dims.join(",")
    )
}

/// The values of an array in row-major order, in brackets, a line for each row.
pub fn values(ty: ElementType, dims: &[i64], bytes: &[u8]) -> String {
    let size = ty.host_size().unwrap_or(1).max(1);
    let array = Shown {
        ty,
        bytes,
        size,
        whole: bytes.len() / size <= WHOLE,
    };
    array.part(dims, 0, 0)
}

struct Shown<'a> {
    ty: ElementType,
    bytes: &'a [u8],
    size: usize,
    whole: bool,
}

impl Shown<'_> {
    /// The part that begins at an element and has these dimensions, so many levels down.
    fn part(&self, dims: &[i64], start: usize, level: usize) -> String {
        let Some((first, inner)) = dims.split_first() else {
            let at = start.saturating_mul(self.size);
            let end = at.saturating_add(self.size);
            let bytes = self.bytes.get(at..end).unwrap_or_default();
            return elements::text(self.ty, bytes);
        };
        let count = usize::try_from(*first).unwrap_or(0);
        let step: usize = inner
            .iter()
            .map(|dim| usize::try_from(*dim).unwrap_or(0))
            .fold(1, usize::saturating_mul);
        let edge = if inner.len() < 2 { EDGE } else { 1 };
        let mut parts = Vec::new();
        let one = |index: usize| self.part(inner, start.saturating_add(index * step), level + 1);
        if self.whole || count <= 2 * edge {
            parts.extend((0..count).map(one));
        } else {
            parts.extend((0..edge).map(one));
            parts.push("...".to_owned());
            parts.extend((count - edge..count).map(one));
        }
        let between = match inner.len() {
            0 => ", ".to_owned(),
            _ => format!(",\n{}", " ".repeat(level + 1)),
        };
        format!("[{}]", parts.join(&between))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(count: u8) -> Vec<u8> {
        (0..count).collect()
    }

    #[test]
    fn short_arrays_are_whole() {
        let shown = values(ElementType::U8, &[2, 3], &bytes(6));
        assert_eq!(shown, "[[0, 1, 2],\n [3, 4, 5]]");
        assert_eq!(values(ElementType::U8, &[], &bytes(1)), "0");
        assert_eq!(values(ElementType::U8, &[0, 3], &[]), "[]");
        assert_eq!(kind(ElementType::BF16, &[2, 3]), "bf16[2,3]");
    }

    #[test]
    fn long_arrays_have_ends() {
        let shown = values(ElementType::U8, &[200], &bytes(200));
        assert_eq!(shown, "[0, 1, 2, ..., 197, 198, 199]");
        let shown = values(ElementType::U8, &[4, 2, 25], &bytes(200));
        let expected = "[[[0, 1, 2, ..., 22, 23, 24],\n  [25, 26, 27, ..., 47, 48, 49]],\n ...,\n \
                        [[150, 151, 152, ..., 172, 173, 174],\n  [175, 176, 177, ..., 197, 198, 199]]]";
        assert_eq!(shown, expected);
    }
}
