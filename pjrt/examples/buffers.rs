//! Arrays on their way to a device, between devices and back: `cargo run --example buffers`.
//!
//! The CPU plugin must be installed: `cargo xtask plugin install cpu`.

use pjrt::{ClientOptions, HostArray, HostVec, Plugin};
use std::sync::Arc;

pub(crate) fn main() -> pjrt::Result<()> {
    let options = ClientOptions::cpu().device_count(2);
    let client = Plugin::find("cpu")?.create_client(&options)?;

    // A slice is copied while the call runs: it may go or change at once.
    let matrix = client.buffer_from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])?;
    println!(
        "copied      {} of {:?} on {}",
        matrix.element_type()?,
        matrix.dimensions()?,
        matrix.device()?.description()?.debug_string()?
    );

    // Strides, in bytes, pick elements in another order: the columns of the matrix as rows.
    let data = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let columns = HostArray::new(&[3, 2]).strides(0, &[4, 12]);
    let turned = client.buffer_from_array(&data, &columns)?;
    println!("transposed  {:?}", turned.to_vec::<f32>()?);

    // A HostVec begins where plugins want arrays to begin. Given away, it needs no copy.
    let mut owned = HostVec::<i64>::zeroed(1000)?;
    owned.iter_mut().zip(0..).for_each(|(x, i)| *x = i * i);
    let squares = client.buffer_from_owned(owned, &HostArray::new(&[1000]))?;
    println!("given away  {:?} bytes", squares.on_device_size()?);

    // Lent, it stays readable here as well, and lives until the buffer is gone.
    let shared = Arc::new(HostVec::from_slice(&[0.5f64, 0.25])?);
    let lent = client.buffer_from_lent(&shared, &HostArray::new(&[2]))?;
    println!(
        "lent        {:?} = {:?}",
        lent.to_vec::<f64>()?,
        &shared[..]
    );

    // To the other device, and back to the host from there.
    let devices = client.addressable_devices()?;
    for device in &devices {
        let copy = matrix.copy_to_device(device)?;
        println!(
            "on device   {}: {:?}",
            copy.device()?.description()?.id()?,
            copy.to_vec::<f32>()?
        );
    }
    Ok(())
}
