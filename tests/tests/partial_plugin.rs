//! Plugins that offer less than the headers know, made up here: no extension, a shorter table of
//! one, null slots, a broken chain. Each is a typed error, and nothing outside is read or called.

use pjrt::layouts::Layouts;
use pjrt::megascale::Megascale;
use pjrt::sys::{self, megascale as mega};
use pjrt::{Error, Plugin};
use std::mem::offset_of;
use std::ptr::{from_mut, null_mut};

type Failure = *mut sys::PJRT_Error;
type Table = mega::PJRT_Megascale_Extension;

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> Failure {
    null_mut()
}

unsafe extern "C" fn unregister(
    _: *mut mega::PJRT_Megascale_UnregisterErrorHandler_Args,
) -> Failure {
    null_mut()
}

/// Must never be called: what it makes could not be destroyed.
unsafe extern "C" fn create(_: *mut mega::PJRT_Megascale_ErrorAggregator_Create_Args) -> Failure {
    std::process::abort()
}

/// What is done to a table before it is handed out.
type Change = fn(&mut Table);

/// A plugin with a Megascale extension of this size that `fill` fills, or without any.
fn plugin(extension: Option<(usize, Change)>) -> Plugin {
    let mut chain: *mut sys::PJRT_Extension_Base = null_mut();
    if let Some((size, fill)) = extension {
        let table = Box::leak(Box::new(Table::zeroed()));
        table.base.struct_size = size;
        table.base.type_ = sys::PJRT_Extension_Type_Megascale;
        fill(table);
        chain = from_mut(table).cast();
    }
    let mut table = sys::PJRT_Api::zeroed();
    table.struct_size = size_of_val(&table);
    table.extension_start = chain;
    table.pjrt_api_version.minor_version = sys::PJRT_API_MINOR as i32;
    table.PJRT_Plugin_Initialize = Some(initialize);
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(Box::leak(Box::new(table))) }.unwrap()
}

const WHOLE: usize = size_of::<Table>();
const UNREGISTER: &str = "PJRT_Megascale_UnregisterErrorHandler";

fn absent(error: Error, name: &str) {
    let Error::Unimplemented { function, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(function, name);
}

#[test]
fn an_extension_that_is_not_there_is_told() {
    let none = plugin(None);
    assert_eq!(
        (none.extensions().len(), none.extension_chain_fault()),
        (0, None)
    );
    let other = plugin(Some((WHOLE, |_| {})));
    assert!(other.extension::<Megascale>().is_ok());
    for plugin in [none, other] {
        let error = plugin.extension::<Layouts>().unwrap_err();
        let Error::NoExtension {
            extension,
            chain_fault,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((extension, chain_fault), ("Layouts", None));
    }
}

#[test]
fn a_slot_behind_a_shorter_table_is_absent_whatever_lies_there() {
    let fill = |table: &mut Table| table.unregister_megascale_error_handler = Some(unregister);
    let slot = offset_of!(Table, unregister_megascale_error_handler);
    let word = size_of::<usize>();
    // Up to the slot, into it, up to its end, and a size that no table has.
    for (size, there) in [
        (slot, false),
        (slot + word - 1, false),
        (slot + word, true),
        (usize::MAX, true),
    ] {
        let extension = plugin(Some((size, fill))).extension::<Megascale>().unwrap();
        match extension.unregister_error_handler("name") {
            Ok(()) => assert!(there, "{size}"),
            Err(error) => {
                assert!(!there, "{size}: {error}");
                absent(error, UNREGISTER);
            }
        }
    }
}

#[test]
fn a_null_slot_is_absent() {
    let extension = plugin(Some((WHOLE, |_| {}))).extension::<Megascale>();
    let error = extension.unwrap().unregister_error_handler("name");
    absent(error.unwrap_err(), UNREGISTER);
}

#[test]
fn what_could_not_be_destroyed_is_not_made() {
    let fill = |table: &mut Table| table.error_aggregator_create = Some(create);
    let extension = plugin(Some((WHOLE, fill))).extension::<Megascale>();
    let error = extension.unwrap().error_aggregator("name").unwrap_err();
    absent(error, "PJRT_Megascale_ErrorAggregator_Delete");
}

#[test]
fn a_chain_that_bites_its_tail_is_read_once_and_told() {
    let plugin = plugin(Some((WHOLE, |table| table.base.next = &raw mut table.base)));
    assert_eq!(plugin.extensions().len(), 1);
    assert!(plugin.extension_chain_fault().is_some());
    assert!(plugin.extension::<Megascale>().is_ok());
    let error = plugin.extension::<Layouts>().unwrap_err();
    let Error::NoExtension { chain_fault, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(chain_fault, plugin.extension_chain_fault());
}
