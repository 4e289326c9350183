//! The functions of the table, called as C code calls them: null, too little, too much.

use super::server::{BellServer, BellTable, sys};
use super::tower::{Ground, Tower};
use pjrt::ErrorCode;
use pjrt::server::Failure;
use std::ptr::null_mut;

/// Stands for a plugin: failures are what its errors point to, and any device but null is one.
struct Bare;

impl Ground for Bare {
    fn error(failure: Failure) -> *mut pjrt::sys::PJRT_Error {
        Box::into_raw(Box::new(failure)).cast()
    }

    fn device(handle: *mut pjrt::sys::PJRT_Device) -> Result<i32, Failure> {
        match handle.is_null() {
            true => Err(Failure::invalid_argument("no device")),
            false => Ok(3),
        }
    }
}

fn table() -> sys::PJRT_Bell_Extension {
    *BellTable::new::<Tower<Bare>>().as_raw()
}

/// The failure that an error is made of.
fn failure(error: *mut pjrt::sys::PJRT_Error) -> Option<(ErrorCode, String)> {
    if error.is_null() {
        return None;
    }
    // SAFETY: `Bare` made it, and it is used once.
    let failure = unsafe { Box::from_raw(error.cast::<Failure>()) };
    Some((failure.code, failure.message))
}

fn invalid(message: &str) -> Option<(ErrorCode, String)> {
    Some((ErrorCode::INVALID_ARGUMENT, message.to_owned()))
}

fn device() -> *mut pjrt::sys::PJRT_Device {
    std::ptr::dangling_mut::<usize>().cast()
}

fn create(args: *mut sys::Bell_Rope_Create_Args) -> Option<(ErrorCode, String)> {
    // SAFETY: the tests give null or a whole struct.
    failure(unsafe { table().rope_create.unwrap()(args) })
}

fn ring(args: *mut sys::Bell_Rope_Ring_Args) -> Option<(ErrorCode, String)> {
    // SAFETY: as above, or as much as the struct says.
    failure(unsafe { table().rope_ring.unwrap()(args) })
}

fn named() -> sys::Bell_Rope_Create_Args {
    let mut args = sys::Bell_Rope_Create_Args::zeroed();
    args.struct_size = sys::Bell_Rope_Create_Args_STRUCT_SIZE;
    args.device = device();
    (args.name, args.name_size) = (c"Emma".as_ptr(), 4);
    args
}

/// A rope, which the test destroys.
fn rope() -> *mut sys::Bell_Rope {
    let mut args = named();
    assert_eq!(create(&raw mut args), None);
    args.rope
}

fn destroy(rope: *mut sys::Bell_Rope) {
    let mut args = sys::Bell_Rope_Destroy_Args::zeroed();
    args.struct_size = sys::Bell_Rope_Destroy_Args_STRUCT_SIZE;
    args.rope = rope;
    // SAFETY: the handle is live or null, and used no more.
    let error = unsafe { table().rope_destroy.unwrap()(&raw mut args) };
    assert_eq!(failure(error), None);
}

#[test]
fn the_table_is_what_the_header_says() {
    let table = table();
    assert_eq!(table.base.struct_size, sys::PJRT_Bell_Extension_STRUCT_SIZE);
    assert_eq!(table.base.type_.0, 2000);
    assert!(table.base.next.is_null() && table.rope_cut.is_null());
    assert!(table.client_melody.is_none(), "it is not offered");
    assert_eq!(table.silent, 1);
    // SAFETY: the server's own, which lives as long as the process.
    assert_eq!(unsafe { (*table.limits).most_rings }, 12);
}

#[test]
fn null_is_refused_with_the_name_of_what_is_missing() {
    let null = "Bell_Rope_Create: expected Bell_Rope_Create_Args, got null";
    assert_eq!(create(null_mut()), invalid(null));
    let mut args = named();
    args.device = null_mut();
    let missing = "Bell_Rope_Create: `device`: expected a pointer, got null";
    assert_eq!(create(&raw mut args), invalid(missing));
    let mut args = named();
    args.name = std::ptr::null();
    let missing = "Bell_Rope_Create: `name`: expected a pointer, got null";
    assert_eq!(create(&raw mut args), invalid(missing));
    // Without characters there need be none, and it is the server's to say what it thinks of that.
    args.name_size = 0;
    assert_eq!(create(&raw mut args), invalid("expected a name, got none"));
    // Nothing to destroy.
    destroy(null_mut());
}

#[test]
fn a_struct_smaller_than_any_revision_had_is_refused() {
    let mut args = named();
    args.struct_size = 8;
    let small = "Bell_Rope_Create: size of Bell_Rope_Create_Args: expected 64 or more, got 8; check the versions of plugin and caller";
    assert_eq!(create(&raw mut args), invalid(small));
    assert!(args.rope.is_null());
    let mut args = sys::Bell_Rope_Ring_Args::zeroed();
    args.struct_size = 47;
    let (_, message) = ring(&raw mut args).unwrap();
    assert!(message.contains("expected 48 or more, got 47"), "{message}");
}

/// Arguments of the first revision, and what lies behind them in the caller's memory.
#[repr(C)]
struct Older {
    args: [usize; 6],
    guard: [u8; 64],
}

#[test]
fn an_older_caller_is_served_and_nothing_behind_its_struct_is_written() {
    let rope = rope();
    let counts = [2i64, 5];
    let mut older = Older {
        args: [48, 0, rope as usize, counts.as_ptr() as usize, 2, 0],
        guard: [0xa5; 64],
    };
    assert_eq!(ring((&raw mut older).cast()), None);
    assert_eq!(older.args[5], 7, "the total");
    assert_eq!(older.guard, [0xa5; 64]);
    destroy(rope);
}

/// Arguments of a revision to come.
#[repr(C)]
struct Newer {
    args: sys::Bell_Rope_Ring_Args,
    more: [usize; 2],
}

#[test]
fn a_newer_caller_is_served() {
    let rope = rope();
    let counts = [2i64, 5];
    let mut newer = Newer {
        args: sys::Bell_Rope_Ring_Args::zeroed(),
        more: [9; 2],
    };
    newer.args.struct_size = size_of::<Newer>();
    newer.args.rope = rope;
    (newer.args.counts, newer.args.num_counts) = (counts.as_ptr(), 2);
    assert_eq!(ring((&raw mut newer).cast()), None);
    assert_eq!((newer.args.total, newer.args.loudest), (7, 5));
    assert_eq!(newer.more, [9; 2]);
    destroy(rope);
}

#[test]
fn outputs_stay_as_they_were_when_a_call_fails() {
    let rope = rope();
    for count in [-1i64, 5000] {
        let mut args = sys::Bell_Rope_Ring_Args::zeroed();
        args.struct_size = sys::Bell_Rope_Ring_Args_STRUCT_SIZE;
        args.rope = rope;
        (args.counts, args.num_counts) = (&raw const count, 1);
        (args.total, args.loudest) = (77, 78);
        assert!(ring(&raw mut args).is_some(), "{count}");
        assert_eq!((args.total, args.loudest), (77, 78));
    }
    destroy(rope);
}

#[test]
fn functions_without_errors_answer_zero() {
    let table = table();
    let height = table.device_height.unwrap();
    let mut args = sys::Bell_Device_Height_Args::zeroed();
    args.struct_size = sys::Bell_Device_Height_Args_STRUCT_SIZE;
    args.device = device();
    // SAFETY: a whole struct, one that says too little, none, and one without a device.
    unsafe {
        assert_eq!(height(&raw mut args), 43);
        args.struct_size = 8;
        assert_eq!(height(&raw mut args), 0);
        assert_eq!(height(null_mut()), 0);
        args.struct_size = sys::Bell_Device_Height_Args_STRUCT_SIZE;
        args.device = null_mut();
        assert_eq!(height(&raw mut args), 0, "it panics");
        table.rope_rest.unwrap()(null_mut());
    }
}

#[test]
fn parameters_by_position_are_handed_through() {
    let table = table();
    let (rings, strike) = (table.rings.unwrap(), table.strike.unwrap());
    // SAFETY: the functions only look whether there is a device.
    unsafe {
        assert_eq!(rings(device()), 7);
        assert_eq!(rings(null_mut()), 0, "a panic is zero");
        assert_eq!(failure(strike(device(), 2)), None);
        let wrong = invalid("expected 0 or more strokes, got -2");
        assert_eq!(failure(strike(device(), -2)), wrong);
        assert_eq!(failure(strike(null_mut(), 1)), invalid("no device"));
    }
}

/// A plugin that has written nothing but what it must.
struct Silent;

impl BellServer for Silent {
    fn instance() -> &'static Self {
        &Silent
    }

    fn error(&self, failure: Failure) -> *mut pjrt::sys::PJRT_Error {
        Bare::error(failure)
    }

    unsafe fn rope_rest(&self, _: &mut sys::Bell_Rope_Rest_Args) {}

    unsafe fn device_height(&self, _: &mut sys::Bell_Device_Height_Args) -> i64 {
        0
    }

    unsafe fn rings(&self, _: *mut pjrt::sys::PJRT_Device) -> i64 {
        0
    }
}

#[test]
fn what_is_offered_and_not_written_is_unimplemented() {
    let table = *BellTable::new::<Silent>().as_raw();
    let mut args = named();
    // SAFETY: a whole struct, and a device that nobody looks at.
    let (created, struck) = unsafe {
        let created = table.rope_create.unwrap()(&raw mut args);
        (
            failure(created),
            failure(table.strike.unwrap()(device(), 1)),
        )
    };
    let message = "Bell_Rope_Create is not implemented by this plugin".to_owned();
    assert_eq!(created, Some((ErrorCode::UNIMPLEMENTED, message)));
    let message = "PJRT_Bell_Extension_strike is not implemented by this plugin".to_owned();
    assert_eq!(struck, Some((ErrorCode::UNIMPLEMENTED, message)));
    assert!(table.silent == 0 && table.limits.is_null());
}
