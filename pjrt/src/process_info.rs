//! What is known of the processes of a distributed program.

use crate::rt::{self, Handle};
use crate::{Client, Error, ErrorCode, ProcessState, Result, raw};

/// A process of a distributed program, for [`Client::update_process_infos`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    task: i32,
    incarnation: u64,
    state: ProcessState,
    code: ErrorCode,
    message: String,
}

impl ProcessInfo {
    /// A process by its number, with the number of its current life: another one after each start.
    pub fn new(task: i32, incarnation: u64, state: ProcessState) -> ProcessInfo {
        ProcessInfo {
            task,
            incarnation,
            state,
            code: ErrorCode::OK,
            message: String::new(),
        }
    }

    /// With the error that the process is in.
    #[must_use]
    pub fn error(mut self, code: ErrorCode, message: impl Into<String>) -> ProcessInfo {
        self.code = code;
        self.message = message.into();
        self
    }
}

impl Client {
    /// Tells the client which processes of a distributed program are connected, gone or in error.
    /// Platforms that do not care ignore it.
    ///
    /// Calls `PJRT_Client_UpdateGlobalProcessInfo`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a state that is not in the list of [`ProcessState`], on which plugins
    /// end the process; `IncompatibleLayout` from plugins that lay an info out otherwise; what the
    /// plugin reports.
    pub fn update_process_infos(&self, infos: &[ProcessInfo]) -> Result<()> {
        const FUNCTION: &str = "PJRT_Client_UpdateGlobalProcessInfo";
        let api = self.api();
        if api.table().PJRT_Client_UpdateGlobalProcessInfo.is_none() {
            // What the infos look like is a question only where somebody takes them.
            return Err(api.absent(&rt::Function {
                name: FUNCTION,
                since: 0,
            }));
        }
        let mut lowered = Vec::with_capacity(infos.len());
        for info in infos {
            if info.state.name().is_none() {
                return Err(Error::InvalidArgument {
                    function: FUNCTION,
                    argument: "state",
                    problem: format!("{} of process {} is no known state", info.state, info.task),
                });
            }
            let raw = raw::ProcessInfo::new(
                info.task,
                info.incarnation,
                info.state.as_raw(),
                info.code.into(),
                info.message.as_ptr().cast(),
                info.message.len(),
            );
            lowered.push(raw.lower(api)?);
        }
        let input = raw::ClientUpdateGlobalProcessInfoIn::new(
            self.as_raw(),
            lowered.as_mut_ptr(),
            rt::length(lowered.len(), FUNCTION, "num_process_infos")?,
        );
        // SAFETY: the client is live; the list and the messages in it are only read, and outlive
        // the call. All states are listed ones.
        unsafe { raw::client_update_global_process_info(api, input) }?;
        Ok(())
    }
}
