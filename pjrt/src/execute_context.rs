//! Values handed to a run beside its arguments.

pjrt_macros::generate!(handle PJRT_ExecuteContext);
