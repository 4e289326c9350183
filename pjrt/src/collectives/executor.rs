//! What an operation of CPUs is run with.

use super::CollectiveOpKind;
use crate::{Error, Result, sys};
use std::marker::PhantomData;
use std::time::Duration;

/// What an operation on memory of CPUs is run with: the key under which the participants meet, and
/// how long they wait for each other.
#[derive(Clone, Copy, Debug)]
pub struct CpuExecutor<'a> {
    /// Number of the program's run.
    pub run_id: i64,
    /// Numbers of the participants' devices among the devices of all processes.
    pub global_device_ids: &'a [i64],
    /// How many of the participants are of this process.
    pub num_local_participants: i32,
    /// Who takes part.
    pub kind: CollectiveOpKind,
    /// Number of the operation.
    pub op_id: i64,
    /// How long participants are waited for; kept to the nanosecond, up to 292 years.
    pub timeout: Duration,
}

/// The C struct, which borrows from the value.
pub(super) struct Lowered<'a>(
    sys::collectives::PJRT_Collectives_CpuExecutor,
    PhantomData<&'a ()>,
);

impl Lowered<'_> {
    pub(super) fn as_mut_ptr(&mut self) -> *mut sys::collectives::PJRT_Collectives_CpuExecutor {
        &raw mut self.0
    }
}

impl<'a> CpuExecutor<'a> {
    /// The C struct; refused if it has a kind that nobody knows, or no participant here.
    pub(super) fn lower(&self, function: &'static str) -> Result<Lowered<'a>> {
        let refused = |problem: String| {
            Err(Error::InvalidArgument {
                function,
                argument: "cpu_executor",
                problem,
            })
        };
        if self.kind.name().is_none() {
            return refused(format!("{:?} is no kind of operation", self.kind));
        }
        let participants = usize::try_from(self.num_local_participants);
        if !participants.is_ok_and(|n| n > 0 && n <= self.global_device_ids.len()) {
            return refused(format!(
                "{} participants of this process among {} devices",
                self.num_local_participants,
                self.global_device_ids.len()
            ));
        }
        let raw = sys::collectives::PJRT_Collectives_CpuExecutor {
            run_id: self.run_id,
            // The plugin only reads.
            global_device_ids: self.global_device_ids.as_ptr().cast_mut(),
            num_global_device_ids: self.global_device_ids.len(),
            num_local_participants: self.num_local_participants,
            collective_op_kind: self.kind.as_raw(),
            op_id: self.op_id,
            timeout_in_ns: i64::try_from(self.timeout.as_nanos()).unwrap_or(i64::MAX),
        };
        Ok(Lowered(raw, PhantomData))
    }
}
