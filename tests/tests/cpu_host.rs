//! The real CPU plugin (PJRT 0.81): arrays of the host, copied, given and lent.

use pjrt::{
    Client, CompileOptions, Error, ErrorCode, ExecuteOptions, HostArray, HostVec, MemoryLayout,
    Program,
};
use pjrt_tests::{cpu, plugin};
use std::sync::Arc;

const DOUBLE: &str = "module @double {
  func.func @main(%x: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> tensor<4xf32> {
    %0 = stablehlo.add %x, %x : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}";

const MATRIX: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

fn array(client: &Client, array: &HostArray<'_>) -> Vec<f32> {
    let buffer = client.buffer_from_array(&MATRIX, array).unwrap();
    buffer.to_vec().unwrap()
}

fn refused<T: std::fmt::Debug>(result: pjrt::Result<T>) -> &'static str {
    match result {
        Err(Error::InvalidArgument { argument, .. }) => argument,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn strides_turn_reverse_and_repeat() {
    let Some(client) = cpu() else { return };
    let turned = HostArray::new(&[3, 2]).strides(0, &[4, 12]);
    assert_eq!(array(&client, &turned), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let reversed = HostArray::new(&[6]).strides(5, &[-4]);
    assert_eq!(array(&client, &reversed), [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
    let repeated = HostArray::new(&[2, 2]).strides(1, &[0, 8]);
    assert_eq!(array(&client, &repeated), [2.0, 4.0, 2.0, 4.0]);
    let scalar = HostArray::new(&[]).strides(3, &[]);
    assert_eq!(array(&client, &scalar), [4.0]);
    let nothing = HostArray::new(&[0, 3]).strides(0, &[400, 400]);
    assert!(array(&client, &nothing).is_empty());
}

#[test]
fn an_array_beyond_its_elements_never_reaches_the_plugin() {
    let Some(client) = cpu() else { return };
    let given = |array: HostArray<'_>| refused(client.buffer_from_array(&MATRIX, &array));
    assert_eq!(given(HostArray::new(&[16])), "dims");
    assert_eq!(given(HostArray::new(&[-1])), "dims");
    assert_eq!(
        given(HostArray::new(&[2, 3]).strides(1, &[12, 4])),
        "byte_strides"
    );
    assert_eq!(
        given(HostArray::new(&[2, 3]).strides(0, &[12])),
        "byte_strides"
    );
    assert_eq!(
        given(HostArray::new(&[6]).strides(4, &[-4])),
        "byte_strides"
    );
    let layout = MemoryLayout::row_major(2);
    assert_eq!(
        given(HostArray::new(&[6]).device_layout(&layout)),
        "device_layout"
    );
}

#[test]
fn an_array_goes_to_the_place_that_is_named() {
    let Some(client) = cpu() else { return };
    let devices = client.addressable_devices().unwrap();
    let memories = devices[1].addressable_memories().unwrap();
    for memory in &memories {
        let place = HostArray::new(&[2, 3]).in_memory(memory);
        let buffer = client.buffer_from_array(&MATRIX, &place).unwrap();
        assert_eq!(buffer.memory().unwrap().id().unwrap(), memory.id().unwrap());
        assert_eq!(buffer.to_vec::<f32>().unwrap(), MATRIX);
    }
    let both = HostArray::new(&[2, 3])
        .in_memory(&memories[0])
        .on(&devices[1]);
    assert_eq!(refused(client.buffer_from_array(&MATRIX, &both)), "memory");
    let other = plugin("cpu")
        .unwrap()
        .create_client(&Default::default())
        .unwrap();
    let foreign = other.buffer_from_array(&MATRIX, &HostArray::new(&[6]).in_memory(&memories[0]));
    assert!(matches!(
        foreign,
        Err(Error::ForeignHandle {
            argument: "memory",
            ..
        })
    ));
}

#[test]
fn a_layout_is_that_of_the_device_and_strides_are_none() {
    let Some(client) = cpu() else { return };
    let columns = MemoryLayout::minor_to_major(&[0, 1]).unwrap();
    let place = HostArray::new(&[2, 3]).device_layout(&columns);
    let buffer = client.buffer_from_array(&MATRIX, &place).unwrap();
    assert_eq!(buffer.memory_layout().unwrap(), columns);
    // This plugin notes the layout and leaves the bytes in the order of the host.
    assert_eq!(buffer.to_vec::<f32>().unwrap(), MATRIX);
    let strides = MemoryLayout::strides(&[12, 4]);
    let place = HostArray::new(&[2, 3]).device_layout(&strides);
    match client.buffer_from_array(&MATRIX, &place) {
        Err(Error::Plugin(error)) => assert_eq!(error.code, ErrorCode::INVALID_ARGUMENT),
        other => panic!("expected the plugin's error, got {other:?}"),
    }
}

#[test]
fn zero_copy_lifetime() {
    let Some(client) = cpu() else { return };
    let data = Arc::new(HostVec::from_slice(&MATRIX).unwrap());
    let buffer = client
        .buffer_from_lent(&data, &HostArray::new(&[2, 3]))
        .unwrap();
    assert_eq!(buffer.unsafe_pointer().unwrap(), data.as_ptr().addr());
    assert_eq!(Arc::strong_count(&data), 2, "the buffer holds the elements");
    assert_eq!(buffer.to_vec::<f32>().unwrap(), MATRIX);
    drop(buffer);
    released(&data);
    // Where the plugin copies after all, it lets go at once.
    let turned = HostArray::new(&[3, 2]).strides(0, &[4, 12]);
    let buffer = client.buffer_from_lent(&data, &turned).unwrap();
    assert_eq!(
        buffer.to_vec::<f32>().unwrap(),
        [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    );
    let refused = client.buffer_from_lent(&data, &HostArray::new(&[7]));
    assert!(refused.is_err());
    drop(buffer);
    released(&data);
}

/// Nobody else holds the elements, or soon nobody does: the plugin lets go on threads of its own.
fn released<T>(data: &Arc<T>) {
    let holders = || Arc::strong_count(data);
    for _ in 0..2000 {
        if holders() == 1 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(holders(), 1);
}

#[test]
fn a_run_may_write_to_what_was_given_and_not_to_what_was_lent() {
    let Some(client) = cpu() else { return };
    let double = client
        .compile(&Program::mlir(DOUBLE), &CompileOptions::new())
        .unwrap();
    let run = |buffer: pjrt::Buffer| {
        let runs = double.execute(vec![vec![buffer.into()]], &ExecuteOptions::new());
        let output = runs.unwrap().remove(0).outputs.remove(0);
        assert_eq!(output.to_vec::<f32>().unwrap(), [2.0, 4.0, 6.0, 8.0]);
        output
    };
    let four = [1.0f32, 2.0, 3.0, 4.0];
    let given = HostVec::from_slice(&four).unwrap();
    let address = given.as_ptr().addr();
    let buffer = client
        .buffer_from_owned(given, &HostArray::new(&[4]))
        .unwrap();
    assert_eq!(buffer.unsafe_pointer().unwrap(), address);
    let output = run(buffer);
    assert_eq!(output.unsafe_pointer().unwrap(), address, "in place");
    // The output holds the memory now: nobody else is given it.
    let others: Vec<_> = (0..50)
        .map(|_| HostVec::from_slice(&four).unwrap())
        .collect();
    assert!(others.iter().all(|other| other.as_ptr().addr() != address));
    assert_eq!(output.to_vec::<f32>().unwrap(), [2.0, 4.0, 6.0, 8.0]);

    let lent = Arc::new(HostVec::from_slice(&four).unwrap());
    let buffer = client
        .buffer_from_lent(&lent, &HostArray::new(&[4]))
        .unwrap();
    let output = run(buffer);
    assert_ne!(output.unsafe_pointer().unwrap(), lent.as_ptr().addr());
    assert_eq!(&lent[..], four);
}

#[test]
fn elements_come_back_from_an_upload() {
    let Some(client) = cpu() else { return };
    let mut data = HostVec::from_slice(&MATRIX).unwrap();
    for round in 0..20 {
        data[0] = round as f32;
        let (buffer, copy) = client.upload(data, &HostArray::new(&[6])).unwrap();
        data = copy.wait().unwrap();
        assert_eq!(buffer.to_vec::<f32>().unwrap()[0], round as f32);
    }
}

#[test]
fn cancelled_upload() {
    let Some(client) = cpu() else { return };
    for _ in 0..20 {
        let data = HostVec::from_slice(&vec![7.0f32; 100_000]).unwrap();
        let (buffer, copy) = client.upload(data, &HostArray::new(&[100_000])).unwrap();
        drop(copy);
        assert!(buffer.to_vec::<f32>().unwrap().iter().all(|x| *x == 7.0));
    }
}
