//! Arrays come to the host in every way.

use crate::{everywhere, refused};
use pjrt::{Buffer, Client, HostArray, MemoryLayout};
use std::mem::MaybeUninit;

fn matrix(client: &Client) -> Buffer {
    client
        .buffer_from_slice(&[1i32, 2, 3, 4, 5, 6], &[2, 3])
        .unwrap()
}

#[test]
fn an_array_goes_into_memory_of_the_caller() {
    everywhere(|client| {
        let buffer = matrix(client);
        let mut elements = [0; 6];
        buffer.copy_to_slice(&mut elements).unwrap();
        assert_eq!(elements, [1, 2, 3, 4, 5, 6]);
        let mut room = [MaybeUninit::<i32>::uninit(); 6];
        let read = buffer.copy_to_uninit(&mut room).unwrap();
        read[0] = 7;
        assert_eq!(read, [7, 2, 3, 4, 5, 6]);
        let mut short = [9; 5];
        refused(
            buffer.copy_to_slice(&mut short),
            "dst",
            "room for 5 elements",
        );
        assert_eq!(short, [9; 5]);
        refused(
            buffer.copy_to_slice(&mut [0f32; 6]),
            "dst",
            "elements are S32, and F32",
        );
        let mut long = [MaybeUninit::<i32>::uninit(); 7];
        refused(
            buffer.copy_to_uninit(&mut long),
            "dst",
            "room for 7 elements",
        );
    });
}

#[test]
fn an_array_of_nothing_comes_back() {
    everywhere(|client| {
        let buffer = client.buffer_from_slice::<f64>(&[], &[3, 0]).unwrap();
        assert!(buffer.to_vec::<f64>().unwrap().is_empty());
        assert!(buffer.to_bytes().unwrap().is_empty());
        buffer.copy_to_slice::<f64>(&mut []).unwrap();
        assert!(buffer.download::<f64>().unwrap().wait().unwrap().is_empty());
        assert!(
            buffer
                .to_vec_in::<f64>(&MemoryLayout::row_major(2))
                .unwrap()
                .is_empty()
        );
    });
}

#[test]
fn an_array_is_turned_on_the_way() {
    everywhere(|client| {
        let buffer = matrix(client);
        let columns = MemoryLayout::minor_to_major(&[0, 1]).unwrap();
        assert_eq!(
            buffer.to_vec_in::<i32>(&columns).unwrap(),
            [1, 4, 2, 5, 3, 6]
        );
        let rows = MemoryLayout::row_major(2);
        assert_eq!(buffer.to_vec_in::<i32>(&rows).unwrap(), [1, 2, 3, 4, 5, 6]);
        let tiled = rows.with_tile(&[2]).unwrap();
        for layout in [tiled, MemoryLayout::strides(&[12, 4])] {
            refused(
                buffer.to_vec_in::<i32>(&layout),
                "host_layout",
                "neither tiles nor",
            );
        }
        let other = MemoryLayout::row_major(3);
        refused(
            buffer.to_vec_in::<i32>(&other),
            "host_layout",
            "for 3 dimensions",
        );
    });
}

#[test]
fn an_array_goes_where_it_belongs() {
    everywhere(|client| {
        let buffer = matrix(client);
        let mut wide = [0; 10];
        let array = HostArray::new(&[2, 3]).strides(1, &[20, 4]);
        buffer.copy_to_array(&mut wide, &array).unwrap();
        assert_eq!(wide, [0, 1, 2, 3, 0, 0, 4, 5, 6, 0]);
        // What went out turned and reversed comes back as it was.
        let array = HostArray::new(&[2, 3]).strides(5, &[-4, -8]);
        let source = [1, 2, 3, 4, 5, 6];
        let turned = client.buffer_from_array(&source, &array).unwrap();
        assert_eq!(turned.to_vec::<i32>().unwrap(), [6, 4, 2, 5, 3, 1]);
        let mut back = [0; 6];
        turned.copy_to_array(&mut back, &array).unwrap();
        assert_eq!(back, source);
        let mut all = [0; 6];
        buffer
            .copy_to_array(&mut all, &HostArray::new(&[2, 3]))
            .unwrap();
        assert_eq!(all, source);
    });
}

#[test]
fn an_array_that_leaves_its_elements_is_refused() {
    everywhere(|client| {
        let buffer = matrix(client);
        let mut into = [0; 6];
        let mut copy = |array: HostArray<'_>| buffer.copy_to_array(&mut into, &array);
        let shifted = HostArray::new(&[2, 3]).strides(1, &[12, 4]);
        refused(copy(shifted), "byte_strides", "leave the 6 elements");
        refused(
            copy(HostArray::new(&[3, 2])),
            "dims",
            "the buffer is [2, 3]",
        );
        refused(
            copy(HostArray::new(&[2, 3]).strides(0, &[4])),
            "byte_strides",
            "one for each",
        );
        refused(
            copy(HostArray::new(&[2, 3]).strides(0, &[12, 2])),
            "byte_strides",
            "multiples",
        );
        let huge = [i64::MAX / 4 * 4, 4];
        refused(
            copy(HostArray::new(&[2, 3]).strides(0, &huge)),
            "byte_strides",
            "leave",
        );
        let layout = MemoryLayout::row_major(2);
        let placed = HostArray::new(&[2, 3]).device_layout(&layout);
        refused(copy(placed), "array", "no device");
    });
}

#[test]
fn a_download_is_awaited() {
    everywhere(|client| {
        let buffer = client
            .buffer_from_slice(&[true, false, true], &[3])
            .unwrap();
        let mut future = buffer.download::<bool>().unwrap().into_future();
        let values = pollster::block_on(&mut future).unwrap();
        assert_eq!(values, [true, false, true]);
        // There is one array, and it is gone.
        assert!(pollster::block_on(&mut future).is_err());
        // A download that nobody polls any more goes on, and its memory is freed after it.
        drop(buffer.download::<bool>().unwrap().into_future());
    });
}

#[test]
fn downloads_go_on_by_themselves() {
    everywhere(|client| {
        let buffers: Vec<_> = (0..8u64)
            .map(|i| {
                client
                    .buffer_from_slice(&vec![i; 10_000], &[10_000])
                    .unwrap()
            })
            .collect();
        let downloads: Vec<_> = buffers
            .iter()
            .map(|b| b.download::<u64>().unwrap())
            .collect();
        drop(buffers);
        for (i, download) in (0..).zip(downloads) {
            if i % 2 == 0 {
                assert_eq!(download.wait().unwrap(), vec![i; 10_000]);
            }
        }
    });
}

#[test]
fn a_buffer_that_is_gone_says_so() {
    everywhere(|client| {
        let buffer = matrix(client);
        buffer.delete().unwrap();
        refused(buffer.to_vec::<i32>(), "self", "deleted or donated");
        refused(buffer.to_bytes(), "self", "deleted or donated");
        refused(
            buffer.copy_to_slice(&mut [0; 6]),
            "self",
            "deleted or donated",
        );
        refused(
            buffer.download::<i32>().map(drop),
            "self",
            "deleted or donated",
        );
        refused(
            buffer.copy_raw_to_host(0, 1).map(drop),
            "self",
            "deleted or donated",
        );
    });
}
