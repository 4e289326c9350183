//! Host memory in the hands of a plugin, and layouts of arrays.

use crate::support::{MATRIX, both, client, matrix, refused, until};
use pjrt::__rt::{Handle, Lower};
use pjrt::{Client, HostArray, HostVec, MemoryLayout};
use pjrt_mock::Fault;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Long enough for a guard that is off to show; nothing waits for less.
const LATE: Duration = Duration::from_millis(50);
/// Elements of an array whose memory is given back to the system when it is freed.
const MANY: usize = 1 << 20;

pub fn host_bounds() {
    let bounds = |client: &Client| {
        let upload = |dims: &[i64]| refused(client.buffer_from_slice(&[1.0f32], dims));
        assert_eq!(upload(&[16]), "dims");
        assert_eq!(upload(&[0]), "dims");
        assert_eq!(upload(&[-1]), "dims");
        assert_eq!(upload(&[i64::MAX, 4]), "dims");
        assert_eq!(upload(&[i64::MAX; 8]), "dims");
        let place = |dims: &[i64], first: usize, strides: &[i64]| {
            let array = HostArray::new(dims).strides(first, strides);
            refused(client.buffer_from_array(&MATRIX, &array))
        };
        assert_eq!(place(&[2, 2], 1, &[8, 4]), "byte_strides");
        assert_eq!(place(&[4], 0, &[-4]), "byte_strides");
        assert_eq!(place(&[4], 0, &[i64::MAX - 3]), "byte_strides");
        assert_eq!(place(&[2, 2], 0, &[8]), "byte_strides");
        let owned = HostVec::from_slice(&MATRIX).unwrap();
        assert_eq!(
            refused(client.buffer_from_owned(owned, &HostArray::new(&[5]))),
            "dims"
        );
    };
    both(
        "host_bounds",
        |plugin| bounds(&client(plugin)),
        |plugin| bounds(&client(plugin)),
    );
}

pub fn raw_copy_bounds() {
    let bounds = |client: &Client| {
        let buffer = matrix(client);
        for (offset, length) in [(-1, 4), (0, 17), (16, 1), (i64::MAX, usize::MAX)] {
            let copied = buffer.copy_raw_to_host(offset, length).map(drop);
            assert_eq!(refused(copied), "offset", "{length} from {offset}");
        }
        let copied = buffer.copy_raw_to_host(4, 12).unwrap().wait().unwrap();
        assert_eq!(copied, [2.0f32, 3.0, 4.0].map(f32::to_ne_bytes).concat());
    };
    both(
        "raw_copy_bounds",
        |plugin| {
            let client = client(plugin);
            bounds(&client);
            let later = matrix(&client).copy_raw_to_host_later(0, 17);
            assert_eq!(refused(later.map(drop)), "offset");
            let short = matrix(&client).copy_raw_to_host_later(0, 16).unwrap();
            assert_eq!(refused(short.provide(vec![0; 15])), "dst");
        },
        |plugin| bounds(&client(plugin)),
    );
}

pub fn cancelled_upload() {
    let cancel = |client: &Client| {
        let data = HostVec::from_slice(&vec![7.0f32; MANY]).unwrap();
        let dims = [i64::try_from(MANY).unwrap()];
        let (buffer, copy) = client.upload(data, &HostArray::new(&dims)).unwrap();
        drop(copy);
        // Whoever asks for memory now must not get what the plugin still reads.
        let others = [0.0f32, 1.0].map(|x| HostVec::from_slice(&vec![x; MANY]).unwrap());
        assert!(buffer.to_vec::<f32>().unwrap().iter().all(|x| *x == 7.0));
        drop(others);
    };
    both(
        "cancelled_upload",
        |plugin| {
            let slow = Fault::Slow(LATE);
            plugin.mock.fault("PJRT_Client_BufferFromHostBuffer", slow);
            cancel(&client(plugin));
        },
        |plugin| {
            let client = client(plugin);
            (0..5).for_each(|_| cancel(&client));
        },
    );
}

pub fn download_cancelled() {
    let cancel = |client: &Client| {
        let data = HostVec::from_slice(&vec![7.0f32; MANY]).unwrap();
        let dims = [i64::try_from(MANY).unwrap()];
        let buffer = client.buffer_from_owned(data, &HostArray::new(&dims));
        let buffer = buffer.unwrap();
        buffer.ready_event().unwrap().wait().unwrap();
        let copy = buffer.copy_raw_to_host(0, MANY * 4).unwrap();
        let (sender, receiver) = channel();
        let told = move |outcome: pjrt::Result<()>| sender.send(outcome.is_ok()).unwrap();
        copy.event().on_ready(told).unwrap();
        drop(copy);
        // Whoever asks for memory now must not get what the plugin still writes.
        let others = [1u8, 2].map(|byte| (byte, vec![byte; MANY * 4]));
        assert!(receiver.recv().unwrap());
        for (byte, other) in others {
            assert!(other.iter().all(|found| *found == byte));
        }
    };
    both(
        "download_cancelled",
        |plugin| {
            let slow = Fault::Slow(LATE);
            plugin.mock.fault("PJRT_Buffer_CopyRawToHost", slow);
            cancel(&client(plugin));
        },
        |plugin| {
            let client = client(plugin);
            (0..5).for_each(|_| cancel(&client));
        },
    );
}

pub fn zero_copy_lifetime() {
    let released = |data: &Arc<HostVec<f32>>| {
        until("nobody lets the elements go", || {
            Arc::strong_count(data) == 1
        });
    };
    let lend = |client: &Client, data: &Arc<HostVec<f32>>| {
        let array = HostArray::new(&[2, 2]);
        client.buffer_from_lent(data, &array).unwrap()
    };
    both(
        "zero_copy_lifetime",
        |plugin| {
            let client = client(plugin);
            let data = Arc::new(HostVec::from_slice(&MATRIX).unwrap());
            let buffer = lend(&client, &data);
            assert_eq!(buffer.to_vec::<f32>().unwrap(), MATRIX);
            drop(buffer);
            released(&data);
            // As long as the plugin does not say that it has done with the memory, it stays.
            let never = Fault::Never;
            plugin.mock.fault("PJRT_Client_BufferFromHostBuffer", never);
            drop(lend(&client, &data));
            assert_eq!(Arc::strong_count(&data), 2);
        },
        |plugin| {
            let client = client(plugin);
            let data = Arc::new(HostVec::from_slice(&MATRIX).unwrap());
            let buffer = lend(&client, &data);
            assert_eq!(buffer.unsafe_pointer().unwrap(), data.as_ptr().addr());
            assert_eq!(Arc::strong_count(&data), 2, "the buffer holds the elements");
            assert_eq!(buffer.to_vec::<f32>().unwrap(), MATRIX);
            assert_eq!(Arc::strong_count(&data), 2, "as long as it lives");
            drop(buffer);
            released(&data);
        },
    );
}

pub fn tiled_layout() {
    let layout = || {
        let layout = MemoryLayout::row_major(2).with_tile(&[8, 128]).unwrap();
        layout.with_tile(&[2, 1]).unwrap()
    };
    both(
        "tiled_layout",
        |plugin| {
            let (layout, client) = (layout(), client(plugin));
            let lowered = layout.lower(client.api()).unwrap();
            // SAFETY: the struct borrows from the layout, which lives.
            let (sizes, dims, order) = unsafe {
                let tiled = (*lowered.as_ptr()).__bindgen_anon_1.tiled;
                assert_eq!(tiled.num_tiles, 2, "two tiles, of two sizes each");
                (
                    std::slice::from_raw_parts(tiled.tile_dim_sizes, tiled.num_tiles),
                    std::slice::from_raw_parts(tiled.tile_dims, 4),
                    std::slice::from_raw_parts(tiled.minor_to_major, 2),
                )
            };
            assert_eq!((sizes, dims), (&[2, 2][..], &[8, 128, 2, 1][..]));
            assert_eq!(order, [1, 0]);
            assert!(MemoryLayout::row_major(1).with_tile(&[0]).is_err());
            assert!(MemoryLayout::row_major(1).with_tile(&[8, 128]).is_err());
        },
        |plugin| {
            let (layout, client) = (layout(), client(plugin));
            let place = HostArray::new(&[2, 2]).device_layout(&layout);
            // This plugin takes no tiles, and says which it has read.
            let error = client.buffer_from_array(&MATRIX, &place).unwrap_err();
            let error = error.to_string();
            assert!(error.contains("{1,0:T(8,128)(2,1)}"), "{error}");
        },
    );
}

pub fn temporary_in_args() {
    both(
        "temporary_in_args",
        |plugin| {
            // The mock refuses an order that does not name each dimension once.
            let client = client(plugin);
            let buffer = matrix(&client);
            assert_eq!(buffer.to_vec::<f32>().unwrap(), MATRIX);
            let layout = MemoryLayout::minor_to_major(&[0, 1]).unwrap();
            let place = HostArray::new(&[2, 2]).device_layout(&layout);
            let buffer = client.buffer_from_array(&MATRIX, &place).unwrap();
            assert_eq!(buffer.to_vec::<f32>().unwrap(), MATRIX);
        },
        |plugin| {
            let client = client(plugin);
            let layout = MemoryLayout::minor_to_major(&[0, 2, 1, 3]).unwrap();
            let place = HostArray::new(&[1, 2, 2, 1]).device_layout(&layout);
            let buffer = client.buffer_from_array(&MATRIX, &place).unwrap();
            assert_eq!(buffer.memory_layout().unwrap(), layout);
        },
    );
}
