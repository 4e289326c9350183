//! Topologies: devices that a program can be compiled for.

pjrt_macros::generate!(handle PJRT_TopologyDescription);
