//! A copy of a plugin's table with functions of ours in front of two of its own: they see the sizes
//! that a plugin is given.

use pjrt::{ClientOptions, Plugin, sys};
use std::sync::Mutex;

type Create = unsafe extern "C" fn(*mut sys::PJRT_Client_Create_Args) -> *mut sys::PJRT_Error;

/// The plugin's own function, and the size that came.
static SEEN: Mutex<(Option<Create>, usize)> = Mutex::new((None, 0));
/// One plugin at a time.
static ALONE: Mutex<()> = Mutex::new(());

unsafe extern "C" fn create(args: *mut sys::PJRT_Client_Create_Args) -> *mut sys::PJRT_Error {
    // SAFETY: the size is the first word of the arguments.
    let size = unsafe { args.cast::<usize>().read() };
    let own = {
        let mut seen = SEEN.lock().unwrap();
        seen.1 = size;
        seen.0.unwrap()
    };
    // SAFETY: the arguments are passed on as they came.
    unsafe { own(args) }
}

/// The arguments of a function that grew have the size of the plugin's own header, whatever the size
/// of ours. `end` is where the plugin's table ends.
pub fn are_those_of_its_header(plugin: &Plugin, end: usize, expected: usize) {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut table = Box::new(sys::PJRT_Api::zeroed());
    let size = end.min(size_of_val(&*table));
    let original = plugin.as_raw().cast::<u8>();
    // SAFETY: the plugin's table has `end` bytes, ours at least `size`; they do not overlap.
    unsafe { original.copy_to_nonoverlapping((&raw mut *table).cast(), size) };
    SEEN.lock().unwrap().0 = table.PJRT_Client_Create;
    table.PJRT_Client_Create = Some(create);
    // SAFETY: the table is the plugin's but for a function of the same type; it is never freed.
    let seen = unsafe { Plugin::from_api(Box::leak(table)) }.unwrap();
    // What comes of it does not matter here.
    drop(seen.create_client(&ClientOptions::new()));
    assert_eq!(SEEN.lock().unwrap().1, expected);
}
