//! What a plugin's version has and lacks.

use crate::support::{NEWEST, absent, both, client, double, matrix, memory};
use pjrt::layouts::Layouts;
use pjrt::shardings::Shardings;
use pjrt::{
    BufferSpec, Client, ElementType, Error, ErrorCode, ExtensionType, OwnEvent, Plugin, sys,
};
use pjrt_tests::mock;

pub fn table_overread() {
    both(
        "table_overread",
        |_| {
            let old = mock(81);
            // Behind the table lies what looks like functions: calling one would end the process.
            let size = size_of::<sys::PJRT_Api>();
            let mut room = vec![0x1111_1111_1111_1111_usize; size / size_of::<usize>()];
            // SAFETY: a table's first word is its size, which it has, and which is less than ours.
            unsafe {
                let length = old.mock.api().cast::<usize>().read();
                assert!(length < size);
                let from = old.mock.api().cast::<u8>();
                std::ptr::copy_nonoverlapping(from, room.as_mut_ptr().cast(), length);
            }
            let room = room.leak().as_ptr();
            // SAFETY: the table is as long as it says, and lives as long as the process.
            let plugin = unsafe { Plugin::from_api(room.cast()) }.unwrap();
            what_came_later_is_absent(&plugin);
        },
        what_came_later_is_absent,
    );
}

/// On a plugin of 0.81.
fn what_came_later_is_absent(plugin: &Plugin) {
    let client = client(plugin);
    absent(OwnEvent::create(plugin));
    absent(client.create_error_buffer(
        ErrorCode::INTERNAL,
        "broken",
        &[2],
        ElementType::F32,
        None,
        &memory(&client),
        &[],
    ));
    absent(matrix(&client).copy_raw_to_host_later(0, 4));
    absent(matrix(&client).bitcast(ElementType::S32, &[4], None));
    // The table of this extension ends before the function.
    let layouts: Layouts = plugin.extension().unwrap();
    let executable = double(&client).executable().unwrap();
    assert_eq!(layouts.output_layouts(&executable).unwrap().len(), 2);
    absent(layouts.parameter_layouts(&executable));
}

pub fn first_extension_only() {
    let behind_others = |plugin: &Plugin, kind: ExtensionType| {
        let nodes = plugin.extensions();
        let place = nodes.iter().position(|node| node.kind == kind);
        assert!(place.is_some_and(|place| place > 0), "{nodes:?}");
    };
    both(
        "first_extension_only",
        |plugin| {
            behind_others(plugin, ExtensionType::SHARDINGS);
            let shardings: Shardings = plugin.extension().unwrap();
            let executable = double(&client(plugin)).executable().unwrap();
            assert!(shardings.output_shardings(&executable).is_ok());
        },
        |plugin| {
            behind_others(plugin, ExtensionType::LAYOUTS);
            let layouts: Layouts = plugin.extension().unwrap();
            let layout = layouts.buffer_layout(&matrix(&client(plugin))).unwrap();
            assert_eq!(layout.serialize().unwrap().to_vec(), b"{1,0}");
        },
    );
}

pub fn enum_too_new() {
    both(
        "enum_too_new",
        |_| types_are_known_or_refused(&client(&mock(81))),
        |plugin| types_are_known_or_refused(&client(plugin)),
    );
    if !pjrt_tests::child::is_child("enum_too_new") {
        let plugin = mock(NEWEST);
        let client = client(&plugin);
        make(&client, ElementType::S1).unwrap();
    }
}

fn make(client: &Client, element_type: ElementType) -> pjrt::Result<()> {
    let memory = memory(client);
    let made = client.create_uninitialized_buffer(&[2], element_type, None, None, Some(&memory));
    made.map(drop)
}

/// On a plugin of 0.81.
fn types_are_known_or_refused(client: &Client) {
    for none in [ElementType::INVALID, ElementType::TOKEN] {
        assert_eq!(
            crate::support::refused(make(client, none)),
            "shape_element_type"
        );
    }
    let since = |result: pjrt::Result<()>| match result {
        Err(Error::TooNew { since, .. }) => since,
        other => panic!("expected that the plugin is too old, got {other:?}"),
    };
    assert_eq!(since(make(client, ElementType::S1)), 94);
    let spec = BufferSpec {
        element_type: ElementType::U1,
        dims: &[2],
        layout: None,
    };
    let made = client.create_buffers_for_async_transfer(&[spec], &memory(client));
    assert_eq!(since(made.map(drop)), 94);
    let made = client.create_alias_buffer(&memory(client), ElementType::U1, &[2], None);
    assert_eq!(since(made.map(drop)), 94);
    make(client, ElementType::F8E4M3).unwrap();
}
