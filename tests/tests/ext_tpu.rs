//! scratch
use pjrt::tpu_topology::TpuTopology;
use pjrt::tpu_executable::TpuExecutable;
use pjrt_tests::{plugin, tpu};
#[test]
fn scratch() {
    let p = plugin("tpu").unwrap();
    let e: TpuTopology = p.extension().unwrap();
    for n in ["v5e:4x4", "v4:2x2x2", "v4:4x4x4", "v2:2x2", "v6e:1x1"] {
        let t = &tpu::topology(n).unwrap();
        println!("=== {n}");
        macro_rules! p { ($($m:ident ( $($a:expr),* )),* $(,)?) => { $( println!("{} {:?}", stringify!($m($($a),*)), e.$m(t $(, $a)*)); )* } }
        p!(is_subslice_topology(), is_enhanced_barrier_enabled(), has_limited_ici_connectivity(), is_reachable_over_limited_ici(0,1), is_reachable_over_limited_ici(0,99),
           is_reachable_over_limited_ici(-1,3), process_count(), chips_per_process(), core_count_per_chip(), chip_count(), core_count(), logical_device_count_per_process(), logical_device_count(), logical_device_count_per_chip(),
           core_count_per_process(), process_ids(), logical_device_ids_on_process(0), logical_device_ids_on_process(1),logical_device_ids_on_process(99),logical_device_ids_on_process(-1), process_of_chip(0), process_of_chip(3), process_of_chip(999),process_of_chip(-1),
           process_of_logical_device(0), process_of_logical_device(7), process_of_logical_device(999), process_coordinates(0), process_coordinates(1), process_coordinates(99), chip_id(&[0,0,0]), chip_id(&[1,0]), chip_id(&[1,1,0]), chip_id(&[]), chip_id(&[9,9,9]), chip_id(&[-1,0,0]),
           logical_device_id(&[1,1,0],0), logical_device_id(&[1,1,0],5), logical_device_id(&[1,1,0],-1), chip_of_logical_device(3), chip_of_logical_device(999), chips_per_process_bounds(), chip_bounds(), process_bounds(), routing_strategy(),
           );
        for (b, h) in [(vec![2,2,1], vec![1,1,1]), (vec![2,2], vec![1,1]), (vec![9,9,9], vec![1,1,1]), (vec![], vec![])] {
            let s = e.subslice(t, &b, &h);
            println!("subslice {b:?} {h:?} {s:?}");
            if let Ok(s) = s {
                println!("  {:?} {:?} {:?}", e.is_subslice_topology(&s), e.chip_bounds(&s), e.logical_device_count(&s));
                for d in 0..6 { println!("  {:?}", e.subslice_device_id(t, &s, &[0,0,0], d)); }
                println!("  {:?}", e.subslice_device_id(t, &s, &[2,0,0], 2));
                println!("  {:?}", e.subslice_device_id(t, &s, &[2,0,0], 999));
                println!("  {:?}", e.subslice_device_id(t, &s, &[], 1));
            }
        }
        for h in [vec![1,1,1], vec![2,1,1], vec![4,4,1], vec![], vec![-1,0,5]] {
            let r = e.replace_host_bounds(t, &h);
            println!("replace {h:?} {r:?}");
            if let Ok(r) = r { println!("  {:?} {:?} {:?}", e.process_bounds(&r), e.chip_bounds(&r), e.chips_per_process_bounds(&r)); }
        }
    }
    for n in ["tpuv2","tpuv3","tpuv4","tpuv4lite","tpuv5lite","tpuv5e","tpuv5","tpuv6e","tpu7x","v5e",""] {
        println!("{n} {:?}", e.default_platform_config(n));
        let s = e.slice_configs(n);
        println!("   {:?} {:?}", s.as_ref().map(|s| s.len()), s.as_ref().map(|s| s.iter().take(4).collect::<Vec<_>>()));
        for s in ["2x2", "4x4", "4x4x8_twisted", "4x4x8", "bogus", ""] { println!("   {s} {:?}", e.slice_config(n, s)); }
    }
    let x: TpuExecutable = p.extension().unwrap();
    let t = tpu::topology("v5e:2x2").unwrap();
    let exe = tpu::compile_for(&t, "func.func @main(%x: tensor<64x64xf32>) -> tensor<64x64xf32> { %0 = stablehlo.dot %x, %x : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32> return %0 : tensor<64x64xf32> }");
    let bytes = serialized(&exe);
    println!("{}", bytes.len());
    let ta = x.target_arguments(&bytes).unwrap();
    println!("ta {}", ta.len());
    let h = x.hlo_module_with_config(&bytes).unwrap();
    println!("hlo {}", h.len());
    let m = x.compiled_memory_stats(&bytes).unwrap();
    println!("mem {} {:?}", m.len(), &m[..]);
    let c = x.run_hlo_cost_analysis(&ta, &[&h]).unwrap();
    for v in c.values().iter() { println!("  {v:?}"); }
    println!("{:?}", x.run_hlo_cost_analysis(&ta, &[]).map(|c| c.values().len()));
    println!("{:?}", x.run_hlo_cost_analysis(&ta, &[&h,&h]).map(|c| c.values().len()));
    println!("{:?}", x.run_hlo_cost_analysis(&ta, &[b"zzz"]).map(|c| c.values().len()));
    println!("{:?}", x.run_hlo_cost_analysis(b"zzz", &[&h]).map(|c| c.values().len()));
    println!("{:?}", x.target_arguments(b"garbage").map(|_|()));
    println!("{:?}", x.target_arguments(b"").map(|_|()));
    println!("{:?}", x.hlo_module_with_config(b"garbage").map(|_|()));
    println!("{:?}", x.compiled_memory_stats(b"garbage").map(|_|()));
    let env = x.set_tpu_compilation_env(b"").unwrap();
    println!("env {}", env.len());
    println!("{:?}", String::from_utf8_lossy(&env).chars().filter(|c| c.is_ascii_graphic()).take(300).collect::<String>());
    println!("{:?}", x.set_tpu_compilation_env(b"garbage").map(|_|()));
    for f in ["xla_tpu_enable_latency_hiding_scheduler", "xla_jf_conv_full_precision", "xla_tpu_spmd_threshold_for_allgather_cse", "nosuch", "" ] {
        println!("{f} {:?}", x.tpu_compilation_env_field(&env, f).map(|v| String::from_utf8_lossy(&v).into_owned()));
        println!("{f} {:?}", x.tpu_compilation_env_field(b"", f).map(|v| String::from_utf8_lossy(&v).into_owned()));
    }
    for s in [&b""[..], b"\x08\x01\x12\x05hello", b"garbage", b"\x08\x0a"] {
        println!("{:?} {:?}", x.is_predetermined_error(s), x.is_cancellation_placeholder_error(s));
    }
}

fn serialized(executable: &pjrt::Executable) -> Vec<u8> {
    use pjrt::__rt::Handle;
    unsafe {
        let input = pjrt::raw::ExecutableSerializeIn::new(executable.as_raw());
        let out = pjrt::raw::executable_serialize(executable.api(), input).unwrap();
        let bytes = std::slice::from_raw_parts(out.serialized_bytes.cast::<u8>(), out.serialized_bytes_size).to_vec();
        (out.serialized_executable_deleter.unwrap())(out.serialized_executable);
        bytes
    }
}
