//! Arrays of the crate `ndarray` go to a device and come back.

use crate::everywhere;
use ndarray::{Array0, Array2, Array3, ArrayD, Axis, array, s};
use pjrt::{Client, ElementType};

fn same<D: ndarray::Dimension>(client: &Client, array: &ndarray::ArrayRef<i32, D>) {
    let buffer = client.buffer_from_ndarray(array).unwrap();
    let back = buffer.to_ndarray::<i32>().unwrap();
    assert_eq!(back, array.to_owned().into_dyn());
}

#[test]
fn views_of_every_kind_go_and_come_back() {
    everywhere(|client| {
        let cube = Array3::from_shape_fn((2, 3, 4), |(a, b, c)| (a * 12 + b * 4 + c) as i32);
        same(client, &cube);
        same(client, &cube.t());
        same(client, &cube.view().permuted_axes([1, 2, 0]));
        same(client, &cube.slice(s![.., ..;2, 1..3]));
        same(client, &cube.slice(s![..;-1, 1..2, ..;-3]));
        same(client, &cube.index_axis(Axis(1), 2));
        same(client, &cube.slice(s![0..0, .., ..]));
        same(client, &Array0::from_elem((), 7));
        same(client, &Array2::<i32>::zeros((0, 5)));
        let row = array![1, 2, 3];
        same(client, row.broadcast((4, 3)).as_ref().unwrap());
        same(client, &ArrayD::from_elem(vec![1; 6], 9));
    });
}

#[test]
fn every_type_of_element_goes() {
    everywhere(|client| {
        let truths = array![[true, false], [false, true]];
        let buffer = client.buffer_from_ndarray(&truths.t()).unwrap();
        assert_eq!(buffer.element_type().unwrap(), ElementType::PRED);
        assert_eq!(buffer.to_ndarray::<bool>().unwrap(), truths.into_dyn());
        assert!(buffer.to_ndarray::<u8>().is_err());
        let device = client.addressable_devices().unwrap().remove(1);
        let halves = array![half::f16::from_f32(0.5)];
        let buffer = client.buffer_from_ndarray_on(&halves, &device).unwrap();
        assert_eq!(buffer.device().unwrap().as_raw(), device.as_raw());
        assert_eq!(buffer.to_ndarray::<half::f16>().unwrap(), halves.into_dyn());
    });
}
