//! A list of events that a plugin is given, and takes over as far as it wants.

use super::DeviceEvent;
use crate::raw::device_event as calls;
use crate::rt::Api;
use crate::sys::device_event::{PJRT_DeviceEvent, PJRT_DeviceEventVector};
use std::ptr;

/// References to events, in memory that whoever takes the list frees by the function that comes with
/// it. What a plugin took over it has cleared; what is left is given up with this.
pub(crate) struct EventList {
    vector: PJRT_DeviceEventVector,
    api: &'static Api,
}

impl EventList {
    /// Counts a reference to each of the events, which are of the plugin.
    pub(crate) fn of(api: &'static Api, events: &[DeviceEvent]) -> EventList {
        let mut vector = PJRT_DeviceEventVector::zeroed();
        if !events.is_empty() {
            // The function that frees gets no length: it stands in an item before the first.
            let mut items = vec![PJRT_DeviceEvent::zeroed()];
            items.extend(events.iter().map(|event| event.clone().into_raw()));
            let length = items.len();
            if let Some(first) = items.first_mut() {
                first.device_event = ptr::without_provenance_mut(length);
            }
            let items: *mut PJRT_DeviceEvent = Box::into_raw(items.into_boxed_slice()).cast();
            vector.data = items.wrapping_add(1);
            vector.size = events.len();
            vector.capacity = events.len();
            vector.destroy = Some(free);
        }
        EventList { vector, api }
    }

    /// The list as a plugin takes it: null where it is empty, for there is nothing to wait for then.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut PJRT_DeviceEventVector {
        match self.vector.data.is_null() {
            true => ptr::null_mut(),
            false => &raw mut self.vector,
        }
    }
}

impl Drop for EventList {
    fn drop(&mut self) {
        let vector = std::mem::replace(&mut self.vector, PJRT_DeviceEventVector::zeroed());
        if vector.data.is_null() {
            return;
        }
        for at in 0..vector.size {
            // SAFETY: a list that was not cleared has as many items as it says.
            let event = unsafe { vector.data.add(at).read() };
            if !event.device_event.is_null() {
                // SAFETY: the reference was counted for this list, and nobody took it.
                let _ = unsafe { calls::device_event_vtable_dec_ref(self.api, event) };
            }
        }
        if let Some(destroy) = vector.destroy {
            // SAFETY: the function that came with the memory, once.
            unsafe { destroy(vector.data) };
        }
    }
}

unsafe extern "C" fn free(data: *mut PJRT_DeviceEvent) {
    // SAFETY: the list's memory begins one item before, with its length.
    unsafe {
        let first = data.sub(1);
        let length = (*first).device_event.addr();
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(first, length)));
    }
}
