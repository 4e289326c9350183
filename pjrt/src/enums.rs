//! The enums of the main header.

pjrt_macros::generate!(enum PJRT_Buffer_MemoryLayout_Type);
pjrt_macros::generate!(enum PJRT_Buffer_Type);
pjrt_macros::generate!(enum PJRT_Error_Code);
pjrt_macros::generate!(enum PJRT_Extension_Type);
pjrt_macros::generate!(enum PJRT_HostBufferSemantics);
pjrt_macros::generate!(enum PJRT_NamedValue_Type);
pjrt_macros::generate!(enum PJRT_ProcessState);
