//! Each irregularity of the headers' history that is known, by name.

use crate::oracle::since;
use crate::scenario::{client, compiled, memory};
use pjrt::{
    ClientOptions, ElementType, Error, ExecuteOptions, HostArray, HostVec, ProcessInfo,
    ProcessState,
};
use pjrt_mock::Mock;
use pjrt_tests::{mock, mocked};
use std::sync::Arc;

const ADD: &str = crate::scenario::ADD;

#[test]
fn of_the_two_tables_of_0_56_one_loads_and_the_other_is_refused() {
    let [first, second] = pjrt_mock::commits(56)[..] else {
        panic!("0.56 had two tables")
    };
    let plugin = mocked(Mock::builder().minor(56).commit(first));
    assert_eq!(client(&plugin).unwrap().devices().unwrap().len(), 2);
    let other = Mock::builder().minor(56).commit(second).build();
    // SAFETY: the table is a plugin's and lives as long as the process.
    let error = unsafe { pjrt::Plugin::from_api(other.api()) }.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Load(_)), "{error:?}");
    assert!(text.contains("0.56 with 816 bytes"), "{text}");
}

#[test]
fn process_infos_without_a_size_are_never_given() {
    for minor in 73..=76 {
        for commit in pjrt_mock::commits(minor) {
            let plugin = mocked(Mock::builder().minor(minor).commit(commit));
            let info = ProcessInfo::new(0, 1, ProcessState::CONNECTED);
            let told = client(&plugin).unwrap().update_process_infos(&[info]);
            match told {
                Ok(()) => assert_eq!(minor, 76),
                Err(Error::IncompatibleLayout {
                    function,
                    layout_since,
                    ..
                }) => {
                    assert!(minor < 76);
                    let name = "PJRT_Client_UpdateGlobalProcessInfo";
                    assert_eq!((function, layout_since), (name, 76));
                    assert_eq!(plugin.mock.calls(name), 0);
                }
                Err(error) => panic!("0.{minor}: {error}"),
            }
        }
    }
}

#[test]
fn tables_that_say_less_than_they_have_are_read_to_their_end() {
    // The last function of each of these lies behind the size that the table says.
    for minor in [40, 47] {
        let plugin = mock(minor);
        let client = client(&plugin).unwrap();
        let executable = compiled(&client, ADD).unwrap().executable().unwrap();
        executable.compiled_memory_stats().unwrap();
    }
    for minor in [48, 51] {
        let plugin = mock(minor);
        memory(&client(&plugin).unwrap())
            .unwrap()
            .kind_id()
            .unwrap();
    }
    for minor in [52, 55] {
        let plugin = mock(minor);
        drop(plugin.create_execute_context().unwrap());
    }
}

#[test]
fn the_chain_before_0_45_is_told_to_be_unreadable() {
    let old = mock(44);
    assert!(old.extensions().is_empty());
    assert!(old.extension_chain_fault().is_some());
    let error = old.extension::<pjrt::layouts::Layouts>().unwrap_err();
    let Error::NoExtension { chain_fault, .. } = error else {
        panic!("{error}")
    };
    assert!(chain_fault.is_some());
    let new = mock(45);
    assert!(!new.extensions().is_empty());
    assert_eq!(new.extension_chain_fault(), None);
}

#[test]
fn fields_and_values_that_got_another_name_mean_the_same() {
    for minor in [40, 46, 47, 48, 49] {
        let plugin = mock(minor);
        let client = client(&plugin).unwrap();
        assert_eq!(memory(&client).unwrap().kind().unwrap(), "device");
        let data = Arc::new(HostVec::from_slice(&[1i32, 2]).unwrap());
        let lent = client
            .buffer_from_lent(&data, &HostArray::new(&[2]))
            .unwrap();
        assert_eq!(lent.to_vec::<i32>().unwrap(), [1, 2]);
    }
}

#[test]
fn outputs_that_a_plugin_is_too_old_to_have_are_none() {
    let stats = |minor| {
        let plugin = mock(minor);
        let client = client(&plugin).unwrap();
        let executable = compiled(&client, ADD).unwrap().executable().unwrap();
        executable.compiled_memory_stats().unwrap()
    };
    let (old, new) = (stats(40), stats(114));
    assert_eq!(old.output_size_in_bytes, new.output_size_in_bytes);
    assert_eq!(
        (old.peak_memory_in_bytes, old.total_size_in_bytes),
        (None, None)
    );
    assert!(new.peak_memory_in_bytes.is_some() && new.total_size_in_bytes.is_some());
}

#[test]
fn inputs_that_a_plugin_is_too_old_to_know_are_refused_by_name() {
    let refused = |minor, options: ExecuteOptions| {
        let plugin = mock(minor);
        let client = client(&plugin).unwrap();
        let program = compiled(&client, "mock none\nparam s32[1]\nout 0\n").unwrap();
        let input = client.buffer_from_slice(&[1i32], &[1]).unwrap();
        match program.execute(vec![vec![(&input).into()]], &options) {
            Err(Error::TooNew {
                field,
                since,
                plugin_version,
                ..
            }) => {
                assert_eq!(plugin_version, (0, minor.cast_signed()));
                (field, since)
            }
            other => panic!("expected a refusal, got {other:?}"),
        }
    };
    let new = ExecuteOptions::new;
    assert_eq!(
        refused(75, new().call_location("here")),
        ("call_location", 76)
    );
    assert_eq!(refused(77, new().task(0, 1)), ("task_ids", 78));
    assert_eq!(refused(111, new().on_output(1, 1, |_| ())).1, 112);
    assert_eq!(refused(107, new().device_layout_in_callbacks()).1, 108);
}

#[test]
fn values_that_a_plugin_is_too_old_to_know_are_refused_by_name() {
    let made = |minor, element_type| {
        let plugin = mock(minor);
        let client = client(&plugin).unwrap();
        let memory = memory(&client).unwrap();
        let made =
            client.create_uninitialized_buffer(&[2], element_type, None, None, Some(&memory));
        made.map(drop)
    };
    let late = ElementType::F6E2M3FN;
    let Err(Error::TooNew {
        function,
        since: first,
        plugin_version,
        ..
    }) = made(90, late)
    else {
        panic!("expected a refusal")
    };
    assert_eq!(function, "PJRT_Client_CreateUninitializedBuffer");
    assert_eq!(plugin_version, (0, 90));
    assert!(since(function) < 90 && first > 90);
    made(first, late).unwrap();
}

#[test]
fn a_store_is_given_whole_or_as_far_as_a_plugin_knows_it() {
    for minor in [40, 60, 61, 62] {
        let plugin = mock(minor);
        let store = Arc::new(pjrt::InMemoryStore::new());
        let options = ClientOptions::new().key_value_store(store);
        drop(plugin.create_client(&options).unwrap());
    }
}

#[test]
fn copies_to_another_process_are_refused_where_their_arguments_lie_otherwise() {
    for minor in [81, 85, 90, 91, 103, 104, 105, 114] {
        let plugin = mock(minor);
        let transfers: pjrt::cross_host_transfers::CrossHostTransfers = plugin.extension().unwrap();
        let client = client(&plugin).unwrap();
        let buffer = client.buffer_from_slice(&[1.0_f32], &[1]).unwrap();
        // SAFETY: the buffer stays, and nobody is at this descriptor.
        let copied = unsafe { transfers.copy_to_remote_device(&buffer, b"nobody", |_, _| {}) };
        let name = "PJRT_Buffer_CopyToRemoteDevice";
        match copied {
            Err(Error::IncompatibleLayout {
                function,
                layout_since,
                ..
            }) => {
                assert!(minor < 91, "0.{minor}");
                assert_eq!((function, layout_since), (name, 91));
            }
            // Since then a plugin frees what it is lent by a function of ours.
            Err(Error::TooNew { field, since, .. }) => {
                assert!((91..105).contains(&minor), "0.{minor}");
                assert_eq!((field, since), ("descriptor_destructor", 105));
            }
            other => assert!(other.is_ok() && minor >= 105, "0.{minor}: {other:?}"),
        }
        let expected = u64::from(minor >= 105);
        assert_eq!(plugin.mock.calls(name), expected, "0.{minor}");
    }
}
