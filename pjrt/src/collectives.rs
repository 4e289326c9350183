//! The extension for collective operations among processes.

mod executor;
mod operations;

pub use executor::CpuExecutor;
pub use operations::Region;

use crate::rt::{self, Handle, Place};
use crate::{Error, Result, raw};

pjrt_macros::generate!(extension collectives);
pjrt_macros::generate!(handle PJRT_Collectives);
pjrt_macros::generate!(handle PJRT_Collectives_Communicator);
pjrt_macros::generate!(enum PJRT_Collectives_ReductionKind);
pjrt_macros::generate!(enum PJRT_Collectives_CollectiveOpKind);

const CREATE: &str = "PJRT_Collectives_CreateCommunicators";

impl CollectivesProvider {
    /// The communicators of this process's places in a group of devices: one for each of `ranks`,
    /// which are places in `device_ids`. The other processes must ask for theirs, and this may wait
    /// for them. Some platforms need identifiers that one process made and all have.
    ///
    /// Calls `PJRT_Collectives_CreateCommunicators`, since PJRT 0.94.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a rank that is no place in the group; `InvalidOutput` for another
    /// number of communicators than of ranks; what the plugin reports.
    pub fn communicators(
        &self,
        device_ids: &[i64],
        clique_ids: Option<&[&[u8]]>,
        ranks: &[i64],
    ) -> Result<Vec<Communicator>> {
        let api = self.api();
        let table = api.extension::<raw::collectives::Table>()?;
        rt::destructor::<Communicator>(api)?;
        for rank in ranks {
            let places = u64::try_from(device_ids.len()).unwrap_or(u64::MAX);
            rt::index_below(*rank, places, CREATE, "rank_ids")?;
        }
        let ids = clique_ids.unwrap_or_default();
        let mut pointers: Vec<_> = ids.iter().map(|id| id.as_ptr().cast()).collect();
        let sizes: Vec<usize> = ids.iter().map(|id| id.len()).collect();
        let identifiers = match clique_ids {
            Some(_) => pointers.as_mut_ptr(),
            None => std::ptr::null_mut(),
        };
        let input = raw::collectives::CollectivesCreateCommunicatorsIn::new(
            self.as_raw(),
            device_ids.as_ptr(),
            device_ids.len(),
            identifiers,
            sizes.as_ptr(),
            sizes.len(),
            ranks.as_ptr().cast_mut(),
            ranks.len(),
        );
        // SAFETY: the provider is live; arrays carry their own length and are only read, during the
        // call.
        let out = unsafe { raw::collectives::collectives_create_communicators(table, input) }?;
        let place = |field| Place {
            function: CREATE,
            field,
        };
        let deleter = out.communicators_holder_deleter.map(|deleter| {
            // SAFETY: functions that differ in what a pointer parameter points to are called alike.
            unsafe {
                std::mem::transmute::<_, unsafe extern "C" fn(*mut std::ffi::c_void)>(deleter)
            }
        });
        // SAFETY: the plugin hands the array's object over with the function that frees it, which
        // is called once, when the communicators are out of the array; they outlive it.
        let _array = unsafe { rt::free_later(out.communicators_holder.cast(), deleter) };
        if out.num_communicators != ranks.len() {
            return Err::<_, Error>(
                place("num_communicators").invalid("another number of communicators than of ranks"),
            );
        }
        // SAFETY: the array has as many entries as the plugin says and lives until its holder goes.
        let list = unsafe {
            rt::slice(
                out.communicators.cast_const(),
                out.num_communicators,
                place("communicators"),
            )
        }?;
        let owner = rt::owner_of(self);
        // SAFETY: each is new and ours to destroy, and needs the provider.
        unsafe { rt::owned_list(api, list, owner.as_ref(), place("communicators")) }
    }
}
