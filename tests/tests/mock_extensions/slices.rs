//! TPU topologies, slices, Megascale and collective operations.

use super::{Scene, Step};
use pjrt::collectives::{
    CollectiveOpKind, CollectivesProvider, Communicator, CpuExecutor, ReductionKind, Region,
};
use pjrt::megascale::Megascale;
use pjrt::tpu_topology::TpuTopology;
use pjrt::{ElementType, ErrorCode};
use std::sync::mpsc::channel;
use std::time::Duration;

pub const ALL: &[Step] = &[
    ("topologies", topologies),
    ("grid", grid),
    ("megascale", megascale),
    ("errors", errors),
    ("collectives", collectives),
];

fn topologies(scene: &Scene) {
    let tpu: TpuTopology = scene.plugin.extension().unwrap();
    let line = scene.plugin.create_topology("mock:8", &[]).unwrap();
    let whole = tpu.subslice(&line, &[2, 1, 1], &[4, 1, 1]).unwrap();
    assert!(tpu.is_subslice_topology(&whole).unwrap());
    assert!(!tpu.is_subslice_topology(&line).unwrap());
    let counts = [
        tpu.process_count(&whole),
        tpu.chips_per_process(&whole),
        tpu.chip_count(&whole),
        tpu.core_count(&whole),
        tpu.core_count_per_chip(&whole),
        tpu.core_count_per_process(&whole),
        tpu.logical_device_count(&whole),
        tpu.logical_device_count_per_chip(&whole),
        tpu.logical_device_count_per_process(&whole),
    ];
    assert_eq!(
        counts.map(|count| count.unwrap()),
        [4, 2, 8, 8, 1, 2, 8, 1, 2]
    );
    assert!(tpu.is_enhanced_barrier_enabled(&whole).unwrap());
    assert!(!tpu.has_limited_ici_connectivity(&whole).unwrap());
    assert!(tpu.is_reachable_over_limited_ici(&whole, 0, 7).unwrap());
    assert_eq!(tpu.routing_strategy(&whole).unwrap(), "mock_mesh");
    let wide = tpu.replace_host_bounds(&whole, &[2, 2, 1]).unwrap();
    assert_eq!(tpu.process_bounds(&wide).unwrap(), [2, 2, 1]);
    assert_eq!(tpu.chip_bounds(&wide).unwrap(), [4, 2, 1]);
    assert_eq!(tpu.chips_per_process_bounds(&wide).unwrap(), [2, 1, 1]);
    let slices = tpu.slice_configs("mock_tpu").unwrap();
    assert_eq!(slices[2], tpu.slice_config("mock_tpu", "4x4").unwrap());
    assert_eq!(slices[2].dimensions, [4, 4]);
    let platform = tpu.default_platform_config("mock_tpu").unwrap();
    assert_eq!((platform.num_chips_per_tray, platform.num_trays), (4, 2));
}

fn grid(scene: &Scene) {
    let tpu: TpuTopology = scene.plugin.extension().unwrap();
    let line = scene.plugin.create_topology("mock:4", &[]).unwrap();
    let whole = tpu.replace_host_bounds(&line, &[1, 3, 1]).unwrap();
    assert_eq!(tpu.process_ids(&whole).unwrap(), [0, 1, 2]);
    for process in tpu.process_ids(&whole).unwrap() {
        let at = tpu.process_coordinates(&whole, process).unwrap();
        assert_eq!(at, [0, process, 0]);
        let devices = tpu.logical_device_ids_on_process(&whole, process).unwrap();
        for (index, device) in (0..).zip(devices) {
            let found = tpu.process_of_logical_device(&whole, device).unwrap();
            assert_eq!((found.process_id, found.index_on_process), (process, index));
            let found = tpu.process_of_chip(&whole, device).unwrap();
            assert_eq!((found.process_id, found.index_on_process), (process, index));
            let on_chip = tpu.chip_of_logical_device(&whole, device).unwrap();
            let at = on_chip.chip_coordinates;
            assert_eq!(tpu.chip_id(&whole, &at).unwrap(), device);
            assert_eq!(tpu.logical_device_id(&whole, &at, 0).unwrap(), device);
        }
    }
    let part = tpu.subslice(&whole, &[2, 1, 1], &[1, 2, 1]).unwrap();
    let inside = tpu.subslice_device_id(&whole, &part, &[1, 1, 0], 9);
    assert_eq!(inside.unwrap(), 2);
    let error = tpu.chip_id(&whole, &[0, 9, 0]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::INVALID_ARGUMENT);
}

fn megascale(scene: &Scene) {
    let megascale: Megascale = scene.plugin.extension().unwrap();
    let topology = scene.plugin.create_topology("mock:4", &[]).unwrap();
    let config = megascale.aot_config(&topology, 2).unwrap();
    assert_eq!(
        (config.num_slices().unwrap(), config.slice_id().unwrap()),
        (2, 0)
    );
    let devices = config.num_devices_per_slice().unwrap();
    assert_eq!(
        (devices.slice_ids, devices.num_devices),
        (vec![0, 1], vec![4, 4])
    );
    assert!(!config.serialize().unwrap().is_empty());
    let bare = megascale.default_client_context().unwrap();
    let error = bare.megascale_port().unwrap_err();
    assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION);
    let context = megascale.client_context(&scene.client).unwrap();
    context.initialize().unwrap();
    assert_eq!(context.megascale_port().unwrap(), 8471);
    context.unblock_pending_work(1, 10).unwrap();
    let config = context.multi_slice_config(&topology, 3, 1, 0, b"", b"");
    assert_eq!(config.unwrap().slice_id().unwrap(), 1);
    let id = megascale.megascale_id(1, 3).unwrap();
    let device = megascale.device_id(id).unwrap();
    assert_eq!((device.slice_id, device.per_slice_device_id), (1, 3));
    let addresses = megascale.interface_addresses("port", 1, &["loop"], false, false);
    assert_eq!(addresses.unwrap(), [b"port 127.0.0.1:1".to_vec()]);
}

fn errors(scene: &Scene) {
    let megascale: Megascale = scene.plugin.extension().unwrap();
    let (sender, receiver) = channel();
    let sender = std::sync::Mutex::new(sender);
    let handler = move |error: &[u8]| sender.lock().unwrap().send(error.to_vec()).unwrap();
    megascale.register_error_handler("mock", handler).unwrap();
    let raise = |message| megascale.runtime_error(2, 0, ErrorCode::INTERNAL, message, 7, None);
    let first = raise("first").unwrap();
    assert!(first.is_new);
    assert_eq!(receiver.recv().unwrap(), b"first");
    let second = raise("second").unwrap();
    assert_eq!((second.is_new, &*second.error), (false, &b"first"[..]));
    megascale.unregister_error_handler("mock").unwrap();
    let aggregator = megascale.error_aggregator("mock").unwrap();
    aggregator.add_error("worker", b"broken").unwrap();
    assert_eq!(aggregator.size().unwrap(), 1);
    assert!(aggregator.is_active().unwrap());
    let digest = aggregator.process_and_shutdown().unwrap();
    assert!(!aggregator.is_active().unwrap());
    aggregator.log_error_digest(&digest).unwrap();
}

const DEVICES: [i64; 2] = [0, 1];

fn executor(op_id: i64) -> CpuExecutor<'static> {
    CpuExecutor {
        run_id: 1,
        global_device_ids: &DEVICES,
        num_local_participants: 2,
        kind: CollectiveOpKind::REPLICA,
        op_id,
        timeout: Duration::from_secs(1),
    }
}

fn region(memory: &mut [f32]) -> Region {
    Region {
        size: size_of_val(memory),
        address: memory.as_mut_ptr().cast(),
    }
}

/// Lets both take part and gives what they receive.
fn both<const N: usize>(
    all: &[Communicator],
    mut send: [Vec<f32>; 2],
    run: impl Fn(usize, &Communicator, Region, Region) -> pjrt::Result<pjrt::Event>,
) -> [[f32; N]; 2] {
    let mut received = [[0.0; N]; 2];
    let mut events = Vec::new();
    for (rank, one) in all.iter().enumerate() {
        let (send, receive) = (region(&mut send[rank]), region(&mut received[rank]));
        events.push(run(rank, one, send, receive).unwrap());
    }
    events.iter().for_each(|event| event.wait().unwrap());
    received
}

fn collectives(scene: &Scene) {
    let megascale: Megascale = scene.plugin.extension().unwrap();
    let context = megascale.default_client_context().unwrap();
    let provider: CollectivesProvider = context
        .collectives(&[b"localhost:1"], Some(&[0]), Some(&[0]), 2, None)
        .unwrap();
    let all = provider.communicators(&DEVICES, None, &[0, 1]).unwrap();
    let said = all[1].description().unwrap();
    assert_eq!(*said, *b"MockCommunicator(1 of 2)");
    let f32s = ElementType::F32;
    let send = || [vec![1.0, 2.0], vec![5.0, 0.0]];
    // SAFETY: in all of these the memory stays until the events have ended.
    let most = both::<2>(&all, send(), |_, one, send, receive| unsafe {
        one.all_reduce(send, receive, f32s, 2, ReductionKind::MAX, &executor(0))
    });
    assert_eq!(most, [[5.0, 2.0]; 2]);
    // SAFETY: as above.
    let sums = both::<1>(&all, send(), |_, one, send, receive| unsafe {
        one.reduce_scatter(send, receive, f32s, 1, ReductionKind::SUM, &executor(1))
    });
    assert_eq!(sums, [[6.0], [2.0]]);
    // SAFETY: as above.
    let gathered = both::<4>(&all, send(), |_, one, send, receive| unsafe {
        one.all_gather(send, receive, f32s, 2, &executor(2))
    });
    assert_eq!(gathered, [[1.0, 2.0, 5.0, 0.0]; 2]);
    // SAFETY: as above.
    let moved = both::<2>(&all, send(), |rank, one, send, receive| unsafe {
        let (source, target): (_, &[i64]) = [(None, &[1][..]), (Some(0), &[])][rank];
        one.collective_permute(send, receive, f32s, 2, source, target, &executor(3))
    });
    assert_eq!(moved, [[0.0; 2], [1.0, 2.0]]);
    // SAFETY: as above.
    let exchanged = both::<2>(&all, send(), |_, one, send, receive| unsafe {
        let halves = |whole: Region| {
            [0, 4].map(|offset| Region {
                address: whole.address.byte_add(offset),
                size: 4,
            })
        };
        one.all_to_all(&halves(send), &halves(receive), f32s, 1, &executor(4))
    });
    assert_eq!(exchanged, [[1.0, 5.0], [2.0, 0.0]]);
}
