//! Buffers: how they come about, what they tell, how they are read.

use crate::scenario::{bytes, client, floats, memory, scenarios};
use pjrt::{
    BufferSpec, DeviceView, ElementType, Error, ErrorCode, HostArray, HostVec, MemoryLayout,
    NamedValue, Value,
};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long a callback may take.
const SOON: Duration = Duration::from_secs(10);

fn spec(dims: &[i64]) -> BufferSpec<'_> {
    BufferSpec {
        element_type: ElementType::F32,
        dims,
        layout: None,
    }
}

/// The plugin's error of this code is what was wanted.
fn told<T>(code: ErrorCode, outcome: pjrt::Result<T>) -> pjrt::Result<()> {
    match outcome {
        Err(Error::Plugin(error)) => {
            assert_eq!(error.code, code);
            Ok(())
        }
        other => other.map(drop),
    }
}

scenarios! {
    fn slices(plugin) {
        let client = client(plugin)?;
        assert_eq!(floats(&client)?.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
        let devices = client.devices()?;
        let there = client.buffer_from_slice_on(&[5i64], &[1], &devices[1])?;
        assert_eq!(there.to_vec::<i64>()?, [5]);
    }

    fn owned_elements(plugin) {
        let client = client(plugin)?;
        let data = HostVec::from_slice(&[1i32, 2])?;
        let buffer = client.buffer_from_owned(data, &HostArray::new(&[2]))?;
        assert_eq!(buffer.to_vec::<i32>()?, [1, 2]);
    }

    fn lent_elements(plugin) {
        let client = client(plugin)?;
        let data = Arc::new(HostVec::from_slice(&[1i32, 2])?);
        let buffer = client.buffer_from_lent(&data, &HostArray::new(&[2]))?;
        assert_eq!(buffer.to_vec::<i32>()?, [1, 2]);
    }

    fn uploads(plugin) {
        let client = client(plugin)?;
        let data = HostVec::from_slice(&[1i32, 2])?;
        let (buffer, transfer) = client.upload(data, &HostArray::new(&[2]))?;
        transfer.wait()?;
        assert_eq!(buffer.to_vec::<i32>()?, [1, 2]);
    }

    fn arrays_with_strides_in_a_memory(plugin) {
        let client = client(plugin)?;
        let memory = memory(&client)?;
        let array = HostArray::new(&[2]).strides(1, &[8]).in_memory(&memory);
        let buffer = client.buffer_from_array(&[0i32, 1, 2, 3], &array)?;
        assert_eq!(buffer.to_vec::<i32>()?, [1, 3]);
    }

    fn array_layouts(plugin) {
        let client = client(plugin)?;
        let layout = MemoryLayout::row_major(2);
        let array = HostArray::new(&[2, 2]).device_layout(&layout);
        client.buffer_from_array(&[0i32, 1, 2, 3], &array)?;
    }

    fn shapes(plugin) {
        let buffer = floats(&client(plugin)?)?;
        assert_eq!(buffer.element_type()?, ElementType::F32);
        assert_eq!((buffer.dimensions()?, buffer.unpadded_dimensions()?), (&[2, 2][..], &[2, 2][..]));
        assert!(buffer.dynamic_dimension_indices()?.is_empty());
        assert_eq!(buffer.on_device_size()?, 16);
        assert_eq!(buffer.memory_layout()?, MemoryLayout::row_major(2));
        buffer.is_on_cpu()?;
    }

    fn places(plugin) {
        let buffer = floats(&client(plugin)?)?;
        assert_eq!(buffer.device()?.local_hardware_id()?, 0);
        assert_eq!(buffer.memory()?.kind()?, "device");
        buffer.unsafe_pointer()?;
        buffer.opaque_device_memory_data_pointer()?;
    }

    fn deleted(plugin) {
        let buffer = floats(&client(plugin)?)?;
        assert!(!buffer.is_deleted()?);
        buffer.delete()?;
        assert!(buffer.is_deleted()?);
        assert!(buffer.to_vec::<f32>().is_err());
    }

    fn copies(plugin) {
        let client = client(plugin)?;
        let buffer = floats(&client)?;
        let there = buffer.copy_to_device(&client.devices()?[1])?;
        assert_eq!(there.to_vec::<f32>()?, buffer.to_vec::<f32>()?);
    }

    fn copies_to_a_memory(plugin) {
        let client = client(plugin)?;
        let copy = floats(&client)?.copy_to_memory(&memory(&client)?)?;
        assert_eq!(copy.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
    }

    fn external_references(plugin) {
        let mut held = floats(&client(plugin)?)?;
        held.increase_external_reference_count()?;
        held.decrease_external_reference_count()?;
        told(ErrorCode::INVALID_ARGUMENT, held.decrease_external_reference_count())?;
    }

    fn raw_copies(plugin) {
        let copy = floats(&client(plugin)?)?.copy_raw_to_host(4, 8)?;
        assert_eq!(copy.wait()?, bytes(&[2.0, 3.0]));
    }

    fn unwritten(plugin) {
        let client = client(plugin)?;
        let memory = memory(&client)?;
        let buffer =
            client.create_uninitialized_buffer(&[2], ElementType::F32, None, None, Some(&memory))?;
        assert_eq!(buffer.on_device_size()?, 8);
    }

    fn broken(plugin) {
        let client = client(plugin)?;
        let cause = [NamedValue { name: "cause", value: Value::String(b"skew") }];
        let buffer = client.create_error_buffer(
            ErrorCode::INTERNAL, "broken", &[2], ElementType::F32, None, &memory(&client)?, &cause,
        )?;
        let error = match buffer.to_vec::<f32>() {
            Err(Error::Plugin(error)) => error,
            other => return other.map(|values| panic!("{values:?} were never written")),
        };
        assert_eq!(error.code, ErrorCode::INTERNAL);
        // Plugins before the function that reads them have errors without payloads.
        if plugin.api_version().minor >= crate::oracle::since("PJRT_Error_ForEachPayload") {
            assert_eq!(error.payloads, [("cause".to_owned(), b"skew".to_vec())]);
        }
    }

    fn bitcasts(plugin) {
        let cast = floats(&client(plugin)?)?.bitcast(ElementType::S32, &[4], None)?;
        assert_eq!(cast.to_vec::<i32>()?[0], 1.0f32.to_bits().cast_signed());
    }

    fn views(plugin) {
        #[repr(align(64))]
        struct Aligned([f32; 4]);
        let mut own = Box::new(Aligned([1.0, 2.0, 3.0, 4.0]));
        let client = client(plugin)?;
        let view = DeviceView {
            address: (&raw mut own.0).cast(),
            element_type: ElementType::F32,
            dims: &[4],
            layout: None,
            device: Some(&client.devices()?[0]),
            memory: None,
            stream: 0,
        };
        let (sender, receiver) = channel();
        // SAFETY: the memory goes when the plugin no longer uses it, and nobody else does.
        let buffer = unsafe { client.view_of_device_memory(&view, move || {
                drop(own);
                let _ = sender.send(());
            }) }?;
        assert_eq!(buffer.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
        drop(buffer);
        receiver.recv_timeout(SOON).unwrap();
    }

    fn views_in_a_memory(plugin) {
        #[repr(align(64))]
        struct Aligned([f32; 4]);
        let mut own = Box::new(Aligned([1.0, 2.0, 3.0, 4.0]));
        let client = client(plugin)?;
        let memory = memory(&client)?;
        let view = DeviceView {
            address: (&raw mut own.0).cast(),
            element_type: ElementType::F32,
            dims: &[4],
            layout: None,
            device: None,
            memory: Some(&memory),
            stream: 0,
        };
        // SAFETY: the memory goes when the plugin no longer uses it, and nobody else does.
        let buffer = unsafe { client.view_of_device_memory(&view, move || drop(own)) }?;
        assert_eq!(buffer.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
    }

    fn transfers(plugin) {
        let client = client(plugin)?;
        let memory = memory(&client)?;
        let mut manager = client.create_buffers_for_async_transfer(&[spec(&[4])], &memory)?;
        let one = manager.transfer_data(0, bytes(&[1.0, 2.0]), 0, false)?;
        let two = manager.transfer_data(0, bytes(&[3.0, 4.0]), 8, true)?;
        one.wait()?;
        two.wait()?;
        let filled = manager.retrieve_buffer(0)?;
        assert_eq!(filled.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
    }

    fn bulk_uploads(plugin) {
        let client = client(plugin)?;
        let upload = pjrt::BulkUpload::new()
            .reader(ElementType::F32, &[2], std::io::Cursor::new(bytes(&[1.0, 2.0])))
            .chunks(ElementType::F32, &[1], [Ok(bytes(&[3.0]))]);
        let buffers = client.upload_bulk(upload, &memory(&client)?)?.wait()?;
        assert_eq!(buffers[0].to_vec::<f32>()?, [1.0, 2.0]);
        assert_eq!(buffers[1].to_vec::<f32>()?, [3.0]);
    }

    fn transfer_questions(plugin) {
        let client = client(plugin)?;
        let memory = memory(&client)?;
        let specs = [spec(&[4]), spec(&[2])];
        let mut manager = client.create_buffers_for_async_transfer(&specs, &memory)?;
        assert_eq!((manager.buffer_count()?, manager.buffer_size(1)?), (2, 8));
        assert_eq!(manager.device()?.local_hardware_id()?, 0);
        manager.add_metadata(&[("name", "weights")])?;
    }

    fn transfer_errors(plugin) {
        let client = client(plugin)?;
        let memory = memory(&client)?;
        let mut manager = client.create_buffers_for_async_transfer(&[spec(&[4])], &memory)?;
        manager.set_buffer_error(0, ErrorCode::INTERNAL, "broken")?;
        told(ErrorCode::INTERNAL, manager.retrieve_buffer(0)?.to_vec::<f32>())?;
    }

    fn literals(plugin) {
        let client = client(plugin)?;
        let memory = memory(&client)?;
        let mut manager = client.create_buffers_for_async_transfer(&[spec(&[2])], &memory)?;
        manager.transfer_literal(0, bytes(&[5.0, 6.0]), None)?.wait()?;
        assert_eq!(manager.retrieve_buffer(0)?.to_vec::<f32>()?, [5.0, 6.0]);
    }
}
