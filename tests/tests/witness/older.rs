//! What newer trees added within 0.114, and older sets of that minor therefore lack.

/// Sets of headers, by the beginning of their name, with every assertion of the facts that they
/// refuse: no more and no less.
pub const OLDER: &[(&str, &[&str])] = &[("pypjrt", PYPJRT)];

const PYPJRT: &[&str] = &[
    "PJRT_Gpu_Custom_Call",
    "PJRT_Gpu_Custom_Call::custom_call_handles_traits",
    "PJRT_Gpu_Custom_Call_STRUCT_SIZE",
    "PJRT_Gpu_Register_Custom_Call_Args",
    "PJRT_Gpu_Register_Custom_Call_Args::traits",
    "PJRT_Gpu_Register_Custom_Call_Args_STRUCT_SIZE",
    "PJRT_HloPassPipelineTrace",
    "PJRT_HloPassPipelineTrace::serialized_trace",
    "PJRT_HloPassPipelineTrace::serialized_trace_size",
    "PJRT_TpuExecutable_Extension",
    "PJRT_TpuExecutable_Extension::is_tpu_cancellation_placeholder_error",
    "PJRT_TpuExecutable_Extension_STRUCT_SIZE",
    "PJRT_TpuExecutable_IsTpuCancellationPlaceholderError",
    "PJRT_TpuExecutable_IsTpuCancellationPlaceholderError_Args",
    "PJRT_TpuExecutable_IsTpuCancellationPlaceholderError_Args::is_cancellation_placeholder",
    "PJRT_TpuExecutable_IsTpuCancellationPlaceholderError_Args::serialized_status",
    "PJRT_TpuExecutable_IsTpuCancellationPlaceholderError_Args::serialized_status_size",
    "PJRT_TpuExecutable_IsTpuCancellationPlaceholderError_Args::struct_size",
    "PJRT_TpuExecutable_IsTpuCancellationPlaceholderError_Args_STRUCT_SIZE",
    "PJRT_Xla_Transform_Destroy_Hlo_Pass_Pipeline_Trace_Args",
    "PJRT_Xla_Transform_Destroy_Hlo_Pass_Pipeline_Trace_Args::struct_size",
    "PJRT_Xla_Transform_Destroy_Hlo_Pass_Pipeline_Trace_Args::trace",
    "PJRT_Xla_Transform_Destroy_Hlo_Pass_Pipeline_Trace_Args_STRUCT_SIZE",
    "PJRT_Xla_Transform_Destroy_Hlo_Pass_Pipeline_Trace_Fn",
    "PJRT_Xla_Transform_Extension",
    "PJRT_Xla_Transform_Extension::destroy_hlo_pass_pipeline_trace",
    "PJRT_Xla_Transform_Extension::get_hlo_pass_pipeline_trace",
    "PJRT_Xla_Transform_Extension_STRUCT_SIZE",
    "PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Args",
    "PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Args::hlo_module",
    "PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Args::struct_size",
    "PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Args::trace",
    "PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Args_STRUCT_SIZE",
    "PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Fn",
];
