//! Memory of the host that devices reach well.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::failure::Failure;
use pjrt_sys::{host_allocator as old, host_memory_allocator as sys};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

/// What devices like best.
const ALIGNMENT: usize = 64;
/// Nobody needs more in a test.
const MOST: usize = 1 << 30;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_HostMemoryAllocator_Allocate", allocate);
    all.add("PJRT_HostAllocator_GetPreferredAlignment", alignment);
    all.add("PJRT_HostAllocator_Allocate", allocate_old);
    all.add("PJRT_HostAllocator_Free", free_old);
}

fn memory(size: usize, alignment: usize) -> Result<(*mut u8, Layout), Failure> {
    let refused = || Failure::invalid(format!("no {size} bytes aligned to {alignment}"));
    if size > MOST {
        let code = pjrt_sys::PJRT_Error_Code_RESOURCE_EXHAUSTED;
        return Err(Failure::new(code, format!("{size} bytes are too many")));
    }
    let layout = Layout::from_size_align(size.max(1), alignment).map_err(|_| refused())?;
    // SAFETY: the size is not zero.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        Err(refused())
    } else {
        Ok((start, layout))
    }
}

unsafe extern "C" fn free(start: *mut c_void, layout: *mut c_void) {
    // SAFETY: the layout was boxed below for this memory, and callers call this once.
    unsafe {
        let layout = Box::from_raw(layout.cast::<Layout>());
        dealloc(start.cast(), *layout);
    }
}

fn allocate(call: &Call, args: &mut sys::PJRT_HostMemoryAllocator_Allocate_Args) -> Outcome {
    call.get::<Client>(args.client)?;
    let (start, layout) = memory(args.size, ALIGNMENT)?;
    args.ptr = start;
    args.deleter_arg = Box::into_raw(Box::new(layout)).cast();
    args.deleter = Some(free);
    Ok(())
}

fn alignment(
    call: &Call,
    args: &mut old::PJRT_HostAllocator_GetPreferredAlignment_Args,
) -> Outcome {
    call.get::<Client>(args.client)?;
    args.preferred_alignment = ALIGNMENT;
    Ok(())
}

/// Memory that was given out, with the layout that it is freed with.
struct Given(Mutex<Vec<(usize, Layout)>>);

fn given() -> Arc<Given> {
    static GIVEN: std::sync::OnceLock<Arc<Given>> = std::sync::OnceLock::new();
    GIVEN
        .get_or_init(|| Arc::new(Given(Mutex::default())))
        .clone()
}

fn allocate_old(call: &Call, args: &mut old::PJRT_HostAllocator_Allocate_Args) -> Outcome {
    call.get::<Client>(args.client)?;
    let (start, layout) = memory(args.size, args.alignment)?;
    let given = given();
    let mut given = given.0.lock().unwrap_or_else(PoisonError::into_inner);
    given.push((start as usize, layout));
    args.ptr = start.cast();
    Ok(())
}

fn free_old(call: &Call, args: &mut old::PJRT_HostAllocator_Free_Args) -> Outcome {
    call.get::<Client>(args.client)?;
    let given = given();
    let mut given = given.0.lock().unwrap_or_else(PoisonError::into_inner);
    let place = given
        .iter()
        .position(|(start, _)| *start == args.ptr as usize);
    let Some(place) = place else {
        return Err(call.violation("memory is freed that was not given".to_owned()));
    };
    let (_, layout) = given.swap_remove(place);
    // SAFETY: the memory was allocated with this layout and is taken off the list.
    unsafe { dealloc(args.ptr.cast(), layout) };
    Ok(())
}
