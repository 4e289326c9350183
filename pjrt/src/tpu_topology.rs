//! The extension that tells how a TPU topology is built.

use crate::rt::Table;
use crate::{Error, Result, TopologyDescription, raw};

pjrt_macros::generate!(extension tpu_topology);
pjrt_macros::generate!(value PJRT_TpuTopology_SliceConfig);

/// Tests that a device of a topology lies in the part of it that begins at `origin`.
#[doc(hidden)]
pub fn device_lies_in_part(
    table: &'static Table<raw::tpu_topology::Table>,
    whole: &TopologyDescription,
    part: &TopologyDescription,
    origin: &[i32],
    device: i32,
) -> Result<()> {
    let refused = |argument, problem| {
        Err(Error::InvalidArgument {
            function: "PJRT_TpuTopology_SubsliceDeviceIdFromFullDeviceId",
            argument,
            problem,
        })
    };
    let extension = TpuTopology { table };
    let chip = extension
        .chip_of_logical_device(whole, device)?
        .chip_coordinates;
    if origin.len() != chip.len() {
        let problem = format!("{origin:?} are not {} coordinates", chip.len());
        return refused("subslice_origin", problem);
    }
    let [of_whole, of_part] = [whole, part].map(|t| extension.logical_device_count_per_chip(t));
    let (of_whole, of_part) = (of_whole?, of_part?);
    if of_whole != of_part {
        let problem =
            format!("its chips have {of_part} devices, and those of the whole {of_whole}");
        return refused("subslice_topology", problem);
    }
    let bounds = extension.chip_bounds(part)?;
    if within(&chip, origin, &bounds) {
        return Ok(());
    }
    let problem = format!(
        "device {device} is on the chip at {chip:?}, outside the part of {bounds:?} chips at {origin:?}"
    );
    refused("full_device_id", problem)
}

/// Whether a point lies in the box of that size that begins at the origin.
fn within(point: &[i32], origin: &[i32], size: &[i32]) -> bool {
    let along = |((point, origin), size): ((&i32, &i32), &i32)| {
        let offset = i64::from(*point) - i64::from(*origin);
        *origin >= 0 && (0..i64::from(*size)).contains(&offset)
    };
    point.len() == size.len() && point.iter().zip(origin).zip(size).all(along)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_point_is_within_a_box_up_to_its_end() {
        assert!(within(&[2, 3, 0], &[2, 2, 0], &[2, 2, 1]));
        assert!(!within(&[4, 3, 0], &[2, 2, 0], &[2, 2, 1]));
        assert!(!within(&[1, 3, 0], &[2, 2, 0], &[2, 2, 1]));
        assert!(!within(&[0, 0, 0], &[-1, 0, 0], &[2, 2, 1]));
        assert!(!within(&[i32::MAX], &[i32::MIN], &[i32::MAX]));
        assert!(!within(&[0, 0], &[0, 0], &[1]));
    }
}
