//! The first revision of the extension, as a plugin has it that was built before there was a second:
//! the table of today without its end, with the one function whose arguments have grown since.

use crate::driver::Board;
use crate::probe::probe;
use crate::server::{VERSION, facts};
use pjrt::server::Failure;
use std::ffi::c_char;
use std::marker::PhantomData;

/// Facts and judgements as `cargo xtask vendor new` makes them of the first header.
mod made {
    pjrt::extension_server! { schema = "src/first/acme.json", overlay = "src/first/acme.toml" }
}

use made::{AcmeServer, AcmeTable, sys};

struct First<B>(PhantomData<fn() -> B>);

/// Turns a new table of today into one of the first revision.
pub(crate) fn turn<B: Board>(table: &mut facts::sys::PJRT_Acme_Extension) {
    let old = AcmeTable::new::<First<B>>().link(std::ptr::null_mut());
    // SAFETY: the node is the head of a new table of the first revision, which is never freed.
    let old = unsafe { &*old.cast::<sys::PJRT_Acme_Extension>() };
    table.base.struct_size = sys::PJRT_Acme_Extension_STRUCT_SIZE;
    table.device_meter = None;
    // SAFETY: both are C functions of a pointer to arguments, which begin with their size and are
    // taken by it: the function reads what the caller of either revision has.
    table.probe_read = unsafe {
        std::mem::transmute::<sys::Acme_Probe_Read, facts::sys::Acme_Probe_Read>(old.probe_read)
    };
}

impl<B: Board> AcmeServer for First<B> {
    fn instance() -> &'static Self {
        const { &First(PhantomData) }
    }

    fn error(&self, failure: Failure) -> *mut pjrt::sys::PJRT_Error {
        B::driver().error(failure)
    }

    unsafe fn probe_read(&self, args: &mut sys::Acme_Probe_Read_Args) -> Result<(), Failure> {
        // SAFETY: the caller's handle.
        let probe = unsafe { probe(args.probe) }?;
        let reading = B::driver().measure(probe.device, probe.unit);
        args.value = reading.value;
        args.unit = sys::Acme_Unit(reading.unit.0);
        Ok(())
    }

    unsafe fn driver_version(&self) -> *const c_char {
        VERSION.as_ptr()
    }

    unsafe fn ticks(&self, device: *mut pjrt::sys::PJRT_Device) -> i64 {
        let driver = B::driver();
        driver.device(device).map_or(0, |_| driver.clock())
    }
}
