//! A plugin's side of the bell's extension, as a plugin would write it.

use super::server::{BellServer, BellSlot, BellTable, sys};
use pjrt::ErrorCode;
use pjrt::server::Failure;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicI64, Ordering};

/// What the tower stands on: a plugin's errors and devices.
pub trait Ground: Send + Sync + 'static {
    /// The plugin's error.
    fn error(failure: Failure) -> *mut pjrt::sys::PJRT_Error;
    /// The number of a device.
    fn device(handle: *mut pjrt::sys::PJRT_Device) -> Result<i32, Failure>;
}

/// Answers for the plugin that it stands on.
pub struct Tower<G>(PhantomData<fn() -> G>);

/// A rope.
struct Rope {
    name: String,
    tone: sys::Bell_Tone,
    rings: AtomicI64,
}

/// The rope behind a handle.
///
/// # Safety
///
/// The handle is null, or one of `rope_create` that was not destroyed.
unsafe fn rope<'a>(handle: *const sys::Bell_Rope) -> Result<&'a Rope, Failure> {
    // SAFETY: the caller's promise.
    let rope = unsafe { handle.cast::<Rope>().as_ref() };
    rope.ok_or_else(|| Failure::internal("the check let null through"))
}

static LIMITS: sys::Bell_Limits = sys::Bell_Limits { most_rings: 12 };

// ANCHOR: link
/// The chain of a plugin's extensions: the tower's table before the nodes that there were.
pub fn chain<G: Ground>(
    before: *mut pjrt::sys::PJRT_Extension_Base,
) -> *mut pjrt::sys::PJRT_Extension_Base {
    BellTable::new::<Tower<G>>().link(before)
}
// ANCHOR_END: link

// ANCHOR: server
impl<G: Ground> BellServer for Tower<G> {
    fn instance() -> &'static Self {
        const { &Tower(PhantomData) }
    }

    fn error(&self, failure: Failure) -> *mut pjrt::sys::PJRT_Error {
        G::error(failure)
    }

    fn offers(&self, slot: BellSlot) -> bool {
        // Nobody has written the melody yet.
        slot != BellSlot::ClientMelody
    }

    unsafe fn rope_create(&self, args: &mut sys::Bell_Rope_Create_Args) -> Result<(), Failure> {
        G::device(args.device)?;
        if args.name_size == 0 {
            return Err(Failure::invalid_argument("expected a name, got none"));
        }
        // SAFETY: the caller's text, which was checked not to be null.
        let name = unsafe { std::slice::from_raw_parts(args.name.cast(), args.name_size) };
        let name = String::from_utf8_lossy(name).into_owned();
        let rings = AtomicI64::new(i64::from(args.loud) + i64::from(!args.weight.is_null()));
        let tone = args.tone;
        args.rope = Box::into_raw(Box::new(Rope { name, tone, rings })).cast();
        Ok(())
    }
    // ANCHOR_END: server

    unsafe fn rope_destroy(&self, args: &mut sys::Bell_Rope_Destroy_Args) -> Result<(), Failure> {
        let rope = args.rope.cast::<Rope>();
        if !rope.is_null() {
            // SAFETY: the handle is the caller's own and is used no more.
            drop(unsafe { Box::from_raw(rope) });
        }
        Ok(())
    }

    unsafe fn rope_ring(&self, args: &mut sys::Bell_Rope_Ring_Args) -> Result<(), Failure> {
        // SAFETY: the caller's handle.
        let rope = unsafe { rope(args.rope) }?;
        let counts = match args.num_counts {
            0 => &[],
            // SAFETY: the caller's numbers, which were checked not to be null.
            some => unsafe { std::slice::from_raw_parts(args.counts, some) },
        };
        args.total = counts.iter().sum();
        args.loudest = counts.iter().copied().max().unwrap_or(0);
        assert!(args.total < 1000, "the bell {} cracked", rope.name);
        if args.total < 0 {
            let message = format!("expected rings, got {}", args.total);
            return Err(Failure::new(ErrorCode::OUT_OF_RANGE, message));
        }
        rope.rings.fetch_add(args.total, Ordering::SeqCst);
        Ok(())
    }

    unsafe fn device_weight(&self, args: &mut sys::Bell_Device_Weight_Args) -> Result<(), Failure> {
        args.kilograms = f64::from(G::device(args.device)?) + 0.5;
        Ok(())
    }

    unsafe fn rope_rest(&self, args: &mut sys::Bell_Rope_Rest_Args) {
        // SAFETY: the caller's handle.
        if let Ok(rope) = unsafe { rope(args.rope) } {
            let low = rope.tone == sys::Bell_Tone_Low;
            args.rings = rope.rings.swap(0, Ordering::SeqCst) * if low { 1 } else { 10 };
        }
    }

    unsafe fn device_height(&self, args: &mut sys::Bell_Device_Height_Args) -> i64 {
        match G::device(args.device) {
            Ok(id) => 40 + i64::from(id),
            Err(failure) => panic!("{failure}"),
        }
    }

    fn silent(&self) -> bool {
        true
    }

    fn limits(&self) -> *const sys::Bell_Limits {
        &raw const LIMITS
    }

    unsafe fn rings(&self, device: *mut pjrt::sys::PJRT_Device) -> i64 {
        assert!(!device.is_null(), "nobody rings there");
        7
    }

    unsafe fn strike(
        &self,
        device: *mut pjrt::sys::PJRT_Device,
        times: i64,
    ) -> Result<(), Failure> {
        G::device(device)?;
        match times {
            0.. => Ok(()),
            _ => Err(Failure::invalid_argument(format!(
                "expected 0 or more strokes, got {times}"
            ))),
        }
    }
}
