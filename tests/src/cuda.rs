//! Topologies of the CUDA plugin, for which no GPU is needed.

use pjrt::{NamedValue, Plugin, TopologyDescription, Value};

/// Two partitions of one host with two devices each.
pub const SHAPE: &str = "2x1x2";
/// What the devices are called.
pub const KIND: &str = "a GPU made up for a test";

/// A target with what an Hopper GPU says of itself, as far as the plugin asks: the text of a
/// `GpuTargetConfigProto`.
pub const TARGET: &str = r#"
platform_name: "CUDA"
device_description_str: "a GPU made up for a test"
gpu_device_info {
  cuda_compute_capability { major: 9 }
  core_count: 100
  threads_per_warp: 32
  threads_per_block_limit: 1024
  threads_per_core_limit: 2048
  registers_per_block_limit: 65536
  registers_per_core_limit: 65536
  shared_memory_per_block: 49152
  shared_memory_per_block_optin: 232448
  shared_memory_per_core: 233472
  fpus_per_core: 128
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  clock_rate_ghz: 1.5
  memory_bandwidth: 3000000000000
  l2_cache_size: 50000000
  device_memory_size: 80000000000
}
"#;

/// A topology of that target and shape; an option that is empty is left out.
///
/// # Errors
///
/// What the plugin reports.
pub fn topology(plugin: &Plugin, target: &str, shape: &str) -> pjrt::Result<TopologyDescription> {
    let options = [("target_config", target), ("topology", shape)];
    let options = options.into_iter().filter(|(_, text)| !text.is_empty());
    let options: Vec<NamedValue<'_>> = options
        .map(|(name, text)| NamedValue {
            name,
            value: Value::String(text.as_bytes()),
        })
        .collect();
    plugin.create_topology("any name", &options)
}
