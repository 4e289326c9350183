//! The order in which an array's elements lie.

/// How many elements apart neighbours are in each dimension, if the dimensions lie in this order,
/// the one that varies fastest first. None if the order does not fit the dimensions.
pub(super) fn strides(dims: &[i64], order: &[i64]) -> Option<Vec<isize>> {
    let mut strides = vec![0isize; dims.len()];
    let mut step = 1isize;
    for dim in order {
        let dim = usize::try_from(*dim).ok()?;
        *strides.get_mut(dim)? = step;
        step = step.checked_mul(isize::try_from(*dims.get(dim)?).ok()?)?;
    }
    Some(strides)
}

/// Puts row-major elements where they belong: the first one at `start`, neighbours so many elements
/// apart. What would lie outside is left out.
pub(super) fn scatter<T: Copy>(
    source: &[T],
    dims: &[i64],
    target: &mut [T],
    start: usize,
    strides: &[isize],
) {
    let mut index = vec![0i64; dims.len()];
    let mut at = start;
    for element in source {
        if let Some(place) = target.get_mut(at) {
            *place = *element;
        }
        let axes = index.iter_mut().zip(dims).zip(strides).rev();
        for ((i, dim), stride) in axes {
            *i += 1;
            at = at.wrapping_add_signed(*stride);
            if *i < *dim {
                break;
            }
            // Back to the beginning of this dimension, and on in the next.
            let whole = isize::try_from(*dim).map_or(0, |dim| stride.wrapping_mul(dim));
            at = at.wrapping_add_signed(whole.wrapping_neg());
            *i = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_three_dimensions() {
        let dims = [2i64, 3, 4];
        let source: Vec<i64> = (0..24).collect();
        for order in [
            [0i64, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let strides = strides(&dims, &order).unwrap();
            let mut target = vec![-1; 24];
            scatter(&source, &dims, &mut target, 0, &strides);
            for (i, value) in source.iter().enumerate() {
                let (a, b, c) = (i / 12, i / 4 % 3, i % 4);
                let at =
                    a as isize * strides[0] + b as isize * strides[1] + c as isize * strides[2];
                assert_eq!(target[at as usize], *value, "{order:?}");
            }
        }
        assert_eq!(strides(&dims, &[2, 1, 0]), Some(vec![12, 4, 1]));
        assert_eq!(strides(&dims, &[3, 1, 0]), None);
        assert_eq!(strides(&[i64::MAX, 4], &[0, 1]), None);
    }

    #[test]
    fn nothing_is_written_outside() {
        let mut target = [0; 4];
        scatter(&[1, 2, 3], &[3], &mut target, 3, &[-2]);
        assert_eq!(target, [0, 2, 0, 1]);
        scatter(&[9], &[], &mut target, 0, &[]);
        assert_eq!(target[0], 9);
    }
}
