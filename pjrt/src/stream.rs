//! The extension for streams: the queues of a platform, shared with other libraries.

pjrt_macros::generate!(extension stream);
