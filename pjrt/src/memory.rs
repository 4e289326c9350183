//! Memory spaces.

pjrt_macros::generate!(handle PJRT_Memory);
