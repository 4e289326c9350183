//! The mock plugin looks as the headers of its time say: sizes, slots, chains, structs.

use pjrt::plugin::LoadError;
use pjrt::{Error, sys};
use pjrt_mock::{Builder, Fault, Mock};
use pjrt_tests::mocked;
use std::process::Command;

/// A word of the table.
fn word(mock: &Mock, offset: usize) -> usize {
    // SAFETY: the tests ask within the real table.
    unsafe { mock.api().byte_add(offset).cast::<usize>().read() }
}

#[test]
fn tables_say_less_than_they_have_where_their_headers_did() {
    for (minor, said, real) in [
        (40, 808, 816),
        (47, 808, 816),
        (48, 808, 824),
        (51, 808, 824),
        (52, 808, 840),
        (55, 808, 840),
    ] {
        let mock = Mock::builder().minor(minor).build();
        assert_eq!(word(&mock, 0), said, "minor {minor}");
        assert_ne!(word(&mock, real - 8), 0, "minor {minor}");
    }
    let newest = Mock::builder().build();
    assert_eq!(word(&newest, 0), sys::PJRT_Api_STRUCT_SIZE);
}

#[test]
fn one_minor_had_two_tables() {
    let sizes = pjrt_mock::commits(56)
        .into_iter()
        .map(|commit| word(&Mock::builder().minor(56).commit(commit).build(), 0));
    assert_eq!(sizes.collect::<Vec<_>>(), [808, 816]);
}

#[test]
fn nodes_of_the_chain_carry_a_size_since_there_was_one() {
    let chain = std::mem::offset_of!(sys::PJRT_Api, extension_start);
    let first = |minor| {
        let mock = Mock::builder().minor(minor).build();
        let node = word(&mock, chain) as *const usize;
        assert!(!node.is_null(), "minor {minor}");
        // SAFETY: a node has at least two words in every version.
        unsafe { node.read() }
    };
    // The type of the extension for custom calls is 0; later its table's size stands there.
    assert_eq!(first(44), 0);
    assert_eq!(first(45), 32);
}

#[test]
fn a_plugin_of_tomorrow_may_ask_for_more_than_callers_give() {
    let fault = Fault::LargerMinimum(8);
    let plugin = mocked(
        Mock::builder()
            .future(2)
            .fault("PJRT_Plugin_Attributes", fault),
    );
    let error = plugin.attributes().unwrap_err();
    assert!(error.to_string().contains("expected 40, got 32"), "{error}");
    let mock = Mock::builder().future(2).larger_structs(8).build();
    // SAFETY: the table is a plugin's and lives as long as the process.
    let error = unsafe { pjrt::Plugin::from_api(mock.api()) }.unwrap_err();
    assert!(error.to_string().contains("expected 24, got 16"), "{error}");
}

const FAULTS: &str = "PJRT_Client_PlatformName: error 13 not today; \
    PJRT_Client_PlatformVersion: text platform_version platform_version_size; \
    PJRT_Client_DefaultDeviceAssignment: missing";

/// Why a plugin is not loaded.
fn refusal(builder: Builder) -> Error {
    let mock = builder.build();
    // SAFETY: the table lives as long as the process; what it says of itself may be a lie.
    match unsafe { pjrt::Plugin::from_api(mock.api()) } {
        Err(error @ Error::Load(_)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn plugins_that_lie_about_their_size_or_version_are_refused() {
    for bytes in [0, 8, 39, 1 << 40, usize::MAX] {
        let error = refusal(Mock::builder().table_size(bytes));
        assert!(error.to_string().contains(&bytes.to_string()), "{error}");
    }
    for (major, minor) in [(0, 39), (0, -1), (1, 114)] {
        let error = refusal(Mock::builder().version(major, minor));
        let version = format!("{major}.{minor}");
        assert!(error.to_string().contains(&version), "{error}");
    }
}

#[test]
fn a_null_version_which_is_0_0_is_refused_as_too_old() {
    let Error::Load(error) = refusal(Mock::builder().version(0, 0)) else {
        panic!("another error")
    };
    let LoadError::Version { found, oldest, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((*found, *oldest), ((0, 0), (0, 40)));
    assert!(error.to_string().contains("0.0"), "{error}");
}

#[test]
fn a_chain_that_leads_back_to_its_beginning_is_read_once() {
    let plugin = mocked(Mock::builder().cyclic_chain());
    let sound = mocked(Mock::builder());
    assert_eq!(plugin.extensions().len(), sound.extensions().len());
    assert!(plugin.extension_chain_fault().is_some());
    assert_eq!(sound.extension_chain_fault(), None);
}

#[test]
fn the_library_poses_as_the_environment_says() {
    if let Ok(minor) = std::env::var("PJRT_MOCK_MINOR") {
        let library = std::env::var("PJRT_MOCK_LIBRARY").unwrap();
        let plugin = pjrt::Plugin::load(library).unwrap();
        assert_eq!(plugin.api_version().minor.to_string(), minor);
        let client = plugin.create_client(&pjrt::ClientOptions::new()).unwrap();
        assert_eq!(client.devices().unwrap().len(), 3);
        let told = client.platform_name().unwrap_err();
        assert!(told.to_string().contains("not today"), "{told}");
        let told = client.platform_version().unwrap_err();
        assert!(matches!(told, Error::InvalidOutput { .. }), "{told}");
        let told = client.default_device_assignment(1, 1).unwrap_err();
        assert!(matches!(told, Error::Unimplemented { .. }), "{told}");
        return;
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_library_poses_as_the_environment_says"])
        .env("PJRT_MOCK_LIBRARY", pjrt_tests::mock::library())
        .env("PJRT_MOCK_MINOR", "76")
        .env("PJRT_MOCK_DEVICES", "3")
        .env("PJRT_MOCK_FAULTS", FAULTS)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}
