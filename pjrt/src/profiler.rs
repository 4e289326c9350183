//! Recording what a plugin does, for profiles.
//!
//! [`Profiler::create`] makes a [`Session`], which is started, stopped and asked for what it saw:
//! [`Session::collect`] gives the bytes of an `XSpace` message, the form that the usual viewers read.
//! [`XSpace`] puts them where viewers look, and tells in short what was recorded.

mod message;
mod space;
mod summary;

pub use space::XSpace;
pub use summary::{EventSummary, LineSummary, PlaneSummary, Summary};

use crate::raw::profiler_api as raw;
use crate::rt::{self, Handle, Place};
use crate::{Error, Result};

pjrt_macros::generate!(extension profiler);
pjrt_macros::generate!(handle PLUGIN_Profiler);
pjrt_macros::generate!(handle PLUGIN_Profiler_ConsumeResult);

impl Profiler {
    /// The number that joins a call to the events that it caused, which the table carries.
    ///
    /// It has a meaning only in a table that is given to a call, so what a plugin offers says 0.
    pub fn traceme_context_id(&self) -> i64 {
        let table: &crate::raw::profiler::Table = self.table.table();
        table.0.traceme_context_id
    }
}

impl Session {
    /// What was recorded, as a serialised `tensorflow.profiler.XSpace`; empty if there is nothing.
    ///
    /// The recording must be stopped. XLA hands each event out once: a second call gives what came
    /// after the first.
    ///
    /// Calls `PLUGIN_Profiler_CollectData` (since PJRT 0.34), a second time where the plugin leaves
    /// it to the caller to give it memory. The zero byte that XLA puts behind the message is removed.
    ///
    /// # Errors
    ///
    /// What the recorders report, such as that they still run; `InvalidOutput` for a size that
    /// memory cannot have.
    pub fn collect(&mut self) -> Result<Vec<u8>> {
        const FUNCTION: &str = "PLUGIN_Profiler_CollectData";
        const SIZE: &str = "buffer_size_in_bytes";
        let table = self.api().behind::<raw::PluginProfilerApi>()?;
        let input = raw::PluginProfilerCollectDataIn::new(self.as_raw(), std::ptr::null_mut());
        // SAFETY: the session is live and used by nobody else; a null buffer asks for the size.
        let out = unsafe { raw::plugin_profiler_collect_data(table, input) }?;
        let place = Place {
            function: FUNCTION,
            field: "buffer",
        };
        let mut bytes = if out.buffer.is_null() {
            let size = rt::room(out.buffer_size_in_bytes, FUNCTION, SIZE)?;
            if size == 0 {
                return Ok(Vec::new());
            }
            let mut room = rt::zeroed_items::<u8>(size, FUNCTION, SIZE)?;
            let input = raw::PluginProfilerCollectDataIn::new(self.as_raw(), room.as_mut_ptr());
            // SAFETY: as above; the buffer has the size that the plugin asked for.
            let filled = unsafe { raw::plugin_profiler_collect_data(table, input) }?;
            let place = Place {
                function: FUNCTION,
                field: SIZE,
            };
            // A plugin that says nothing in the second call means the first answer.
            match filled.buffer_size_in_bytes {
                0 => room,
                size => rt::filled(room, size, place)?,
            }
        } else {
            // SAFETY: the plugin's own memory, which stays until the next call on the session.
            let bytes: &[u8] =
                unsafe { rt::slice(out.buffer.cast_const(), out.buffer_size_in_bytes, place) }?;
            copied(bytes, FUNCTION, SIZE)?
        };
        message::remove_end_mark(&mut bytes);
        Ok(bytes)
    }

    /// Takes what was recorded, in the plugin's own form, which is cheap; the work is in
    /// [`Profile::serialize`].
    ///
    /// The recording must be stopped, and is empty after this.
    ///
    /// Calls `PLUGIN_Profiler_Consume` (since PJRT 0.114).
    ///
    /// # Errors
    ///
    /// What the recorders report; `Unimplemented` if the plugin's table lacks this function or the
    /// one that frees the result.
    pub fn consume(&mut self) -> Result<Profile<'_>> {
        let api = self.api();
        rt::destructor::<RawProfile>(api)?;
        let table = api.behind::<raw::PluginProfilerApi>()?;
        let input = raw::PluginProfilerConsumeIn::new(self.as_raw());
        // SAFETY: the session is live and used by nobody else.
        let out = unsafe { raw::plugin_profiler_consume(table, input) }?;
        let place = Place {
            function: "PLUGIN_Profiler_Consume",
            field: "result",
        };
        // SAFETY: the plugin hands the result over; it needs no other object to be freed.
        let result = unsafe { rt::owned(api, out.result, None, place) }?;
        Ok(Profile {
            session: self,
            result,
        })
    }
}

/// A recording in the plugin's own form, and the session that it was taken from.
#[derive(Debug)]
pub struct Profile<'a> {
    session: &'a mut Session,
    result: RawProfile,
}

impl Profile<'_> {
    /// The recording as a serialised `tensorflow.profiler.XSpace`; empty if there is nothing.
    ///
    /// Calls `PLUGIN_Profiler_Serialize` (since PJRT 0.114).
    ///
    /// # Errors
    ///
    /// What the plugin reports; `Unimplemented` if its table lacks the function.
    pub fn serialize(self) -> Result<Vec<u8>> {
        const FUNCTION: &str = "PLUGIN_Profiler_Serialize";
        const BYTES: &str = "serialized_bytes";
        let Profile { session, result } = self;
        let table = session.api().behind::<raw::PluginProfilerApi>()?;
        let input = raw::PluginProfilerSerializeIn::new(session.as_raw(), result.as_raw());
        // SAFETY: both are live and used by nobody else, and the result came from this session.
        let out = unsafe { raw::plugin_profiler_serialize(table, input) }?;
        let place = Place {
            function: FUNCTION,
            field: BYTES,
        };
        // SAFETY: the bytes are the result's, which lives until the end of this.
        let bytes: &[u8] = unsafe { rt::slice(out.serialized_bytes, out.serialized_size, place) }?;
        copied(bytes, FUNCTION, BYTES)
    }
}

/// A copy of what a plugin holds, without ending the process where there is no memory for it.
fn copied(bytes: &[u8], function: &'static str, argument: &'static str) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| Error::InvalidArgument {
            function,
            argument,
            problem: format!("there is no memory for {} bytes", bytes.len()),
        })?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}
