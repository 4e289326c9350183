//! scratch
use pjrt::tpu_executable::TpuExecutable;
use pjrt::tpu_topology::TpuTopology;
use pjrt_tests::{plugin, tpu};
#[test]
fn scratch() {
    let p = plugin("tpu").unwrap();
    let e: TpuTopology = p.extension().unwrap();
    for n in [
        "tpuv2",
        "tpuv3",
        "tpuv4",
        "tpuv4lite",
        "tpuv5lite",
        "tpuv5e",
        "tpuv5",
        "tpuv6e",
        "tpu7x",
        "v5e",
        "",
    ] {
        println!("{n} {:?}", e.default_platform_config(n));
        let s = e.slice_configs(n);
        println!(
            "   {:?} {:?}",
            s.as_ref().map(|s| s.len()),
            s.as_ref().map(|s| s.iter().take(4).collect::<Vec<_>>())
        );
        for s in ["2x2", "4x4", "4x4x8_twisted", "4x4x8", "bogus", ""] {
            println!("   {s} {:?}", e.slice_config(n, s));
        }
    }
    let x: TpuExecutable = p.extension().unwrap();
    let t = tpu::topology("v5e:2x2").unwrap();
    let exe = tpu::compile_for(
        &t,
        "func.func @main(%x: tensor<64x64xf32>) -> tensor<64x64xf32> { %0 = stablehlo.dot %x, %x : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32> return %0 : tensor<64x64xf32> }",
    );
    let bytes = exe.serialize().unwrap();
    println!("{}", bytes.len());
    let ta = x.target_arguments(&bytes).unwrap();
    println!("ta {}", ta.len());
    let h = x.hlo_module_with_config(&bytes).unwrap();
    println!("hlo {}", h.len());
    let m = x.compiled_memory_stats(&bytes).unwrap();
    println!("mem {} {:?}", m.len(), &m[..]);
    let c = x.run_hlo_cost_analysis(&ta, &[&h]).unwrap();
    for v in c.values().iter() {
        println!("  {v:?}");
    }
    probe("cost []", || {
        x.run_hlo_cost_analysis(&ta, &[])
            .map(|c| format!("{:?}", c.values()))
    });
    probe("cost 2", || {
        x.run_hlo_cost_analysis(&ta, &[&h, &h])
            .map(|c| format!("{:?}", c.values()))
    });
    probe("cost zzz", || {
        x.run_hlo_cost_analysis(&ta, &[b"zzz"])
            .map(|c| c.values().len())
    });
    probe("cost empty", || {
        x.run_hlo_cost_analysis(&ta, &[b""])
            .map(|c| c.values().len())
    });
    probe("cost ta zzz", || {
        x.run_hlo_cost_analysis(b"zzz", &[&h])
            .map(|c| c.values().len())
    });
    probe("cost ta empty", || {
        x.run_hlo_cost_analysis(b"", &[&h])
            .map(|c| c.values().len())
    });
    for b in [
        &b"garbage"[..],
        b"",
        b"\x08\x01",
        &bytes[..bytes.len() / 2],
        &bytes[..40],
    ] {
        let w = b.len();
        probe(&format!("target_arguments {w}"), || {
            x.target_arguments(b).map(|v| v.len())
        });
        probe(&format!("hlo {w}"), || {
            x.hlo_module_with_config(b).map(|v| v.len())
        });
        probe(&format!("mem {w}"), || {
            x.compiled_memory_stats(b).map(|v| v.len())
        });
    }
    let env = x.set_tpu_compilation_env(b"").unwrap();
    println!("env {}", env.len());
    println!(
        "{:?}",
        String::from_utf8_lossy(&env)
            .chars()
            .filter(|c| c.is_ascii_graphic())
            .take(600)
            .collect::<String>()
    );
    probe("env garbage", || {
        x.set_tpu_compilation_env(b"garbage").map(|v| v.len())
    });
    probe("env env", || {
        x.set_tpu_compilation_env(&env).map(|v| v.len())
    });
    for f in [
        "xla_tpu_enable_latency_hiding_scheduler",
        "xla_jf_conv_full_precision",
        "xla_tpu_scoped_vmem_limit_kib",
        "nosuch",
        "",
    ] {
        probe(&format!("field {f}"), || {
            x.tpu_compilation_env_field(&env, f)
                .map(|v| String::from_utf8_lossy(&v).into_owned())
        });
        probe(&format!("field of nothing {f}"), || {
            x.tpu_compilation_env_field(b"", f)
                .map(|v| String::from_utf8_lossy(&v).into_owned())
        });
        probe(&format!("field of garbage {f}"), || {
            x.tpu_compilation_env_field(b"garbage", f)
                .map(|v| String::from_utf8_lossy(&v).into_owned())
        });
    }
    for s in [
        &b""[..],
        b"\x08\x01\x12\x05hello",
        b"garbage",
        b"\x08\x0a",
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    ] {
        probe(&format!("status {s:?}"), || {
            (
                x.is_predetermined_error(s).map_err(|e| e.to_string()),
                x.is_cancellation_placeholder_error(s)
                    .map_err(|e| e.to_string()),
            )
        });
    }
    let t = &tpu::topology("v4:2x2x2").unwrap();
    let s5 = &tpu::topology("v5e:2x2").unwrap();
    let sub = &e.subslice(t, &[2, 2, 1], &[1, 1, 1]).unwrap();
    for (o, d) in [
        (vec![0, 0, 0], 0),
        (vec![0, 0, 0], 1),
        (vec![0, 0, 0], 2),
        (vec![0, 0, 0], 999),
        (vec![0, 0, 0], -1),
        (vec![2, 0, 0], 2),
        (vec![2, 0, 0], 0),
        (vec![], 0),
        (vec![9, 9, 9], 0),
        (vec![-1, -1, -1], 0),
        (vec![-1, -1, 0], 0),
        (vec![0, 0], 0),
        (vec![0, 0, 0, 0, 0, 0, 0], 0),
        (vec![0, 0, 0], 4),
        (vec![1, 0, 0], 1),
        (vec![0, 0, 1], 8),
        (vec![1, 1, 0], 6),
        (vec![1, 1, 1], 14),
    ] {
        probe(&format!("sub {o:?} {d}"), || {
            e.subslice_device_id(t, sub, &o, d)
        });
        probe(&format!("s5 {o:?} {d}"), || {
            e.subslice_device_id(t, s5, &o, d)
        });
        probe(&format!("of s5 {o:?} {d}"), || {
            e.subslice_device_id(s5, sub, &o, d)
        });
    }
    for i in [-1, 999, i32::MIN, i32::MAX] {
        probe(&format!("{i}"), || {
            (
                e.process_of_chip(t, i).is_err(),
                e.process_of_logical_device(t, i).is_err(),
                e.process_coordinates(t, i).is_err(),
                e.chip_of_logical_device(t, i).is_err(),
                e.logical_device_id(t, &[0, 0, 0], i).is_err(),
                e.logical_device_ids_on_process(t, i).is_err(),
                e.is_reachable_over_limited_ici(t, 0, i).is_err(),
            )
        });
    }
}
unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(p: i32, s: *mut i32, o: i32) -> i32;
    fn _exit(c: i32) -> !;
    fn close(f: i32) -> i32;
    fn signal(s: i32, h: usize) -> usize;
    fn alarm(s: u32) -> u32;
}
fn probe<T: std::fmt::Debug>(what: &str, f: impl Fn() -> T) {
    use std::io::Write;
    std::io::stdout().flush().unwrap();
    unsafe {
        let pid = fork();
        if pid == 0 {
            close(2);
            for s in [4, 6, 8, 11, 14] {
                signal(s, 0);
            }
            alarm(5);
            let v = format!("{:?}", f());
            let v = match v.find("message: ") {
                Some(i) => {
                    v[i..v.find(", payloads").unwrap()].to_string()
                        + if v.contains("INVALID_ARGUMENT") {
                            " (INVALID)"
                        } else {
                            " (other)"
                        }
                }
                None => v,
            };
            let s = format!("{what}: {v}\n");
            std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open("/tmp/probe.out")
                .unwrap()
                .write_all(s.as_bytes())
                .unwrap();
            _exit(0);
        }
        let mut st = 0;
        waitpid(pid, &mut st, 0);
        if st != 0 {
            let s = format!("{what}: DIED {st:x}\n");
            std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open("/tmp/probe.out")
                .unwrap()
                .write_all(s.as_bytes())
                .unwrap();
        }
    }
}
