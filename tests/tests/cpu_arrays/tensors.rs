//! Tensors of DLPack: arrays go to other libraries and come from them.

use crate::{everywhere, refused};
use pjrt::dlpack::Tensor;
use pjrt::dlpack::ffi::{
    DLDataType, DLDataTypeCode, DLDevice, DLDeviceType, DLManagedTensor, DLManagedTensorVersioned,
    DLPackVersion, DLTensor,
};
use pjrt::{Buffer, Client, CompileOptions, ElementType, ExecuteOptions, MemoryLayout, Program};
use std::ffi::c_void;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How long a deleter may take to be called.
const SOON: Duration = Duration::from_secs(10);

#[repr(align(64))]
struct Aligned([f32; 32]);

/// A tensor of another library's, which tells when it is deleted.
struct Foreign {
    tensor: DLManagedTensorVersioned,
    dims: Vec<i64>,
    strides: Vec<i64>,
    memory: Box<Aligned>,
    deleted: Sender<()>,
}

unsafe extern "C" fn delete(tensor: *mut DLManagedTensorVersioned) {
    // SAFETY: the context is the box that was leaked in `foreign`.
    let foreign = unsafe { Box::from_raw((*tensor).manager_ctx.cast::<Foreign>()) };
    let _ = foreign.deleted.send(());
}

const F32: DLDataType = DLDataType {
    code: DLDataTypeCode::kDLFloat as u8,
    bits: 32,
    lanes: 1,
};

/// The numbers from 0 on, with whatever is wrong about them.
fn foreign(
    dims: &[i64],
    strides: &[i64],
    offset: u64,
    change: impl FnOnce(&mut DLManagedTensorVersioned),
) -> (*mut DLManagedTensorVersioned, Receiver<()>) {
    let (deleted, receiver) = channel();
    let mut numbers = [0.0; 32];
    for (i, number) in numbers.iter_mut().enumerate() {
        *number = i as f32;
    }
    let tensor = DLTensor {
        data: std::ptr::null_mut(),
        device: DLDevice {
            device_type: DLDeviceType::kDLCPU,
            device_id: 0,
        },
        ndim: i32::try_from(dims.len()).unwrap(),
        dtype: F32,
        shape: std::ptr::null_mut(),
        strides: std::ptr::null_mut(),
        byte_offset: offset,
    };
    let foreign = Box::into_raw(Box::new(Foreign {
        tensor: DLManagedTensorVersioned {
            version: DLPackVersion { major: 1, minor: 0 },
            manager_ctx: std::ptr::null_mut(),
            deleter: Some(delete),
            flags: 0,
            dl_tensor: tensor,
        },
        dims: dims.to_vec(),
        strides: strides.to_vec(),
        memory: Box::new(Aligned(numbers)),
        deleted,
    }));
    // SAFETY: the box is leaked, and nobody else has it.
    unsafe {
        (*foreign).tensor.manager_ctx = foreign.cast();
        (*foreign).tensor.dl_tensor.data = (&raw mut (*foreign).memory.0).cast();
        (*foreign).tensor.dl_tensor.shape = (*foreign).dims.as_mut_ptr();
        if !strides.is_empty() {
            (*foreign).tensor.dl_tensor.strides = (*foreign).strides.as_mut_ptr();
        }
        change(&mut (*foreign).tensor);
        (&raw mut (*foreign).tensor, receiver)
    }
}

fn taken(raw: *mut DLManagedTensorVersioned) -> Tensor {
    // SAFETY: the tensor is that of `foreign`, and keeps all rules but those a test is about.
    unsafe { Tensor::from_raw(raw) }.unwrap()
}

fn numbers(client: &Client) -> Buffer {
    let values: Vec<f32> = (0..6u8).map(f32::from).collect();
    client.buffer_from_slice(&values, &[2, 3]).unwrap()
}

#[test]
fn a_buffer_goes_out_where_it_lies() {
    let Some(client) = pjrt_tests::cpu() else {
        return;
    };
    let buffer = numbers(&client);
    let address = buffer.unsafe_pointer().unwrap();
    let tensor = buffer.into_dlpack().unwrap();
    assert_eq!(tensor.dims(), [2, 3]);
    assert_eq!(tensor.strides(), Some(&[3, 1][..]));
    assert!(tensor.is_read_only());
    let described = *tensor.tensor();
    assert_eq!(described.data.addr(), address);
    assert_eq!((described.dtype.code, described.dtype.bits), (F32.code, 32));
    assert_eq!(described.device.device_type, DLDeviceType::kDLCPU);
    // SAFETY: the tensor is alive and describes so many floats.
    let seen = unsafe { std::slice::from_raw_parts(described.data.cast::<f32>(), 6) };
    assert_eq!(seen, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    drop(tensor);
    // The client may go before the tensor.
    let tensor = numbers(&client).into_dlpack().unwrap();
    drop(client);
    drop(tensor);
}

#[test]
fn a_tensor_goes_through_other_hands() {
    everywhere(|client| {
        let raw = numbers(client).into_dlpack().map_err(|failed| failed.1);
        let raw = match raw {
            Ok(tensor) => tensor.into_raw(),
            // The mock's platform is none that DLPack knows.
            Err(error) => return refused::<()>(Err(error), "self", "no name for memory"),
        };
        let tensor = taken(raw);
        let legacy: *mut DLManagedTensor = tensor.into_legacy();
        // SAFETY: the tensor is the one from above, and nobody else has it.
        let tensor = unsafe { Tensor::from_legacy(legacy) }.unwrap();
        assert_eq!(tensor.dims(), [2, 3]);
        let again = taken(tensor.into_raw());
        let buffer = client.buffer_from_dlpack(again, None).unwrap();
        assert_eq!(
            buffer.to_vec::<f32>().unwrap(),
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
        );
    });
}

#[test]
fn what_cannot_go_out_comes_back() {
    let Some(client) = pjrt_tests::cpu() else {
        return;
    };
    let back = |buffer: Buffer, words: &str| {
        let (buffer, error) = *buffer.into_dlpack().unwrap_err();
        refused::<()>(Err(error), "self", words);
        buffer
    };
    let four = pjrt::element::S4::new(4).unwrap();
    let buffer = back(client.buffer_from_scalar(four).unwrap(), "elements are S4");
    assert_eq!(buffer.to_vec::<pjrt::element::S4>().unwrap(), [four]);
    let columns = MemoryLayout::minor_to_major(&[0, 1]).unwrap();
    let place = pjrt::HostArray::new(&[2, 2]).device_layout(&columns);
    let turned = client.buffer_from_array(&[1u8, 2, 3, 4], &place).unwrap();
    back(turned, "not row-major");
    let gone = numbers(&client);
    gone.delete().unwrap();
    back(gone, "deleted or donated");
}

#[test]
fn host_memory_comes_in_where_it_lies() {
    everywhere(|client| {
        let (raw, deleted) = foreign(&[2, 3], &[], 0, |_| {});
        // SAFETY: the tensor is live.
        let address = unsafe { (*raw).dl_tensor.data.addr() };
        let buffer = client.buffer_from_dlpack(taken(raw), None).unwrap();
        assert_eq!(buffer.element_type().unwrap(), ElementType::F32);
        assert_eq!(
            buffer.to_vec::<f32>().unwrap(),
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
        );
        if client.platform_name().unwrap() == "cpu" {
            assert_eq!(buffer.unsafe_pointer().unwrap(), address);
            assert!(deleted.try_recv().is_err(), "the buffer holds the tensor");
        }
        drop(buffer);
        deleted.recv_timeout(SOON).unwrap();
        // Where the memory is not aligned, the plugin copies and lets go at once.
        let (raw, deleted) = foreign(&[4], &[1], 8, |_| {});
        let buffer = client.buffer_from_dlpack(taken(raw), None).unwrap();
        assert_eq!(buffer.to_vec::<f32>().unwrap(), [2.0, 3.0, 4.0, 5.0]);
        deleted.recv_timeout(SOON).unwrap();
    });
}

#[test]
fn strides_of_a_tensor_are_followed() {
    everywhere(|client| {
        let read = |dims: &[i64], strides: &[i64], offset| {
            let (raw, deleted) = foreign(dims, strides, offset, |_| {});
            let device = client.addressable_devices().unwrap().remove(0);
            let buffer = client
                .buffer_from_dlpack(taken(raw), Some(&device))
                .unwrap();
            let values = buffer.to_vec::<f32>().unwrap();
            drop(buffer);
            deleted.recv_timeout(SOON).unwrap();
            values
        };
        assert_eq!(read(&[3, 2], &[1, 3], 0), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(read(&[3], &[-2], 20), [5.0, 3.0, 1.0]);
        assert_eq!(read(&[2, 2], &[0, 1], 4), [1.0, 2.0, 1.0, 2.0]);
        assert_eq!(read(&[1, 3], &[999, 1], 0), [0.0, 1.0, 2.0]);
        assert_eq!(read(&[], &[], 12), [3.0]);
        assert!(read(&[0, 7], &[i64::MAX, -1], 0).is_empty());
    });
}

#[test]
fn a_tensor_that_makes_no_sense_is_deleted() {
    everywhere(|client| {
        let wrong = |change: &dyn Fn(&mut DLManagedTensorVersioned), words: &str| {
            let (raw, deleted) = foreign(&[2, 3], &[3, 1], 0, change);
            let outcome = client.buffer_from_dlpack(taken(raw), None).map(drop);
            refused(outcome, "tensor", words);
            deleted.recv_timeout(SOON).unwrap();
        };
        wrong(&|t| t.dl_tensor.dtype.lanes = 2, "2 lanes");
        wrong(&|t| t.dl_tensor.dtype.bits = 4, "4 bits");
        wrong(&|t| t.dl_tensor.ndim = -1, "-1 dimensions");
        wrong(&|t| t.dl_tensor.shape = std::ptr::null_mut(), "no shape");
        wrong(
            &|t| t.dl_tensor.byte_offset = 2,
            "not a multiple of 4 bytes",
        );
        wrong(
            &|t| t.dl_tensor.data = std::ptr::null_mut(),
            "null where 24 bytes",
        );
        let set = |at: *mut i64, value| {
            // SAFETY: shape and strides have two numbers each.
            unsafe { at.write(value) };
        };
        wrong(
            &|t| set(t.dl_tensor.shape, -2),
            "no array that memory can hold",
        );
        wrong(
            &|t| set(t.dl_tensor.shape, i64::MAX),
            "no array that memory can hold",
        );
        wrong(
            &|t| set(t.dl_tensor.strides, i64::MAX),
            "no array that memory can hold",
        );
        wrong(
            &|t| t.dl_tensor.device.device_type = DLDeviceType::kDLCUDA,
            "cannot use",
        );
        wrong(&|t| t.dl_tensor.device.device_type = 77, "cannot use");
    });
    let (raw, deleted) = foreign(&[2], &[], 0, |t| t.version.major = 2);
    // SAFETY: as for others.
    refused(unsafe { Tensor::from_raw(raw) }, "tensor", "version 2.0");
    deleted.recv_timeout(SOON).unwrap();
    // SAFETY: null is refused.
    unsafe {
        refused(Tensor::from_raw(std::ptr::null_mut()), "tensor", "null");
        refused(Tensor::from_legacy(std::ptr::null_mut()), "tensor", "null");
    }
}

#[test]
fn a_run_does_not_write_to_a_tensor() {
    let Some(client) = pjrt_tests::cpu() else {
        return;
    };
    let (raw, deleted) = foreign(&[4], &[], 0, |_| {});
    // SAFETY: the tensor is live until the deleter is called.
    let memory: *const c_void = unsafe { (*raw).dl_tensor.data };
    let buffer = client.buffer_from_dlpack(taken(raw), None).unwrap();
    let double = "module @double {
  func.func @main(%x: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> tensor<4xf32> {
    %0 = stablehlo.add %x, %x : tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}";
    let program = client.compile(&Program::mlir(double), &CompileOptions::new());
    let runs = program
        .unwrap()
        .execute(vec![vec![buffer.into()]], &ExecuteOptions::new());
    let output = runs.unwrap().remove(0).outputs.remove(0);
    assert_eq!(output.to_vec::<f32>().unwrap(), [0.0, 2.0, 4.0, 6.0]);
    assert_ne!(output.unsafe_pointer().unwrap(), memory.addr());
    drop(output);
    deleted.recv_timeout(SOON).unwrap();
}
