use super::*;

/// `replica_count` 2, a field 100 of each form and a group, `computation_count` 3.
const STRANGE: &[u8] = &[
    0x08, 2, // known
    0xa0, 6, 0xac, 2, // number
    0xa2, 6, 2, b'h', b'i', // bytes
    0xa1, 6, 1, 2, 3, 4, 5, 6, 7, 8, // eight bytes
    0xa5, 6, 1, 2, 3, 4, // four bytes
    0xa3, 6, 0x08, 1, 0xa3, 6, 0xa4, 6, 0xa4, 6, // a group in a group
    0x10, 3, // known
];

#[test]
fn fields_that_are_not_known_survive() {
    let message = DeviceAssignmentProto::from_bytes(STRANGE).unwrap();
    assert_eq!((message.replica_count, message.computation_count), (2, 3));
    let unknown = &STRANGE[2..STRANGE.len() - 2];
    assert_eq!(message.unknown_fields(), unknown);
    let expected = [&STRANGE[..2], &STRANGE[STRANGE.len() - 2..], unknown].concat();
    assert_eq!(message.to_bytes(), expected);
    assert_eq!(
        DeviceAssignmentProto::from_bytes(&expected).unwrap(),
        message
    );
}

#[test]
fn fields_that_are_left_out_survive_inside_other_messages() {
    // executable_build_options { debug_options: "ab", num_replicas: 1, debug_options: "c" }
    let bytes = [0x1a, 9, 0x1a, 2, b'a', b'b', 0x20, 1, 0x1a, 1, b'c'];
    let message = CompileOptionsProto::from_bytes(&bytes).unwrap();
    let build = message.executable_build_options.clone().unwrap();
    assert_eq!(build.unknown_fields(), [0x1a, 2, b'a', b'b', 0x1a, 1, b'c']);
    let written = message.to_bytes();
    assert_eq!(
        written,
        [0x1a, 9, 0x20, 1, 0x1a, 2, b'a', b'b', 0x1a, 1, b'c']
    );
}

#[test]
fn a_field_of_another_form_is_kept_as_it_came() {
    // replica_count as text, computation_devices as a number
    let bytes = [0x0a, 1, b'x', 0x18, 5];
    let message = DeviceAssignmentProto::from_bytes(&bytes).unwrap();
    assert_eq!(message.replica_count, 0);
    assert_eq!(message.to_bytes(), bytes);
}

#[test]
fn lists_are_read_packed_and_one_by_one() {
    let one_by_one = ComputationDevice::from_bytes(&[0x08, 1, 0x08, 0x96, 1]).unwrap();
    let packed = ComputationDevice::from_bytes(&[0x0a, 3, 1, 0x96, 1]).unwrap();
    assert_eq!(one_by_one.replica_device_ids, [1, 150]);
    assert_eq!(packed, one_by_one);
    assert_eq!(one_by_one.to_bytes(), [0x0a, 3, 1, 0x96, 1]);
}

#[test]
fn a_message_that_comes_twice_is_merged_and_negative_numbers_have_ten_bytes() {
    let bytes = [0x1a, 2, 0x20, 1, 0x1a, 2, 0x28, 2];
    let message = CompileOptionsProto::from_bytes(&bytes).unwrap();
    let build = message.executable_build_options.unwrap();
    assert_eq!((build.num_replicas, build.num_partitions), (1, 2));
    let mut build = ExecutableBuildOptionsProto::default();
    build.device_ordinal = -1;
    let bytes = build.to_bytes();
    assert_eq!(bytes, [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    assert_eq!(
        ExecutableBuildOptionsProto::from_bytes(&bytes).unwrap(),
        build
    );
}

#[test]
fn presence_is_told_where_the_declarations_say_so() {
    let present = RuntimeAbiVersionProto::from_bytes(&[0x08, 0]).unwrap();
    assert_eq!((present.platform, &present.version), (Some(0), &None));
    assert_eq!(present.to_bytes(), [0x08, 0]);
    let topology = TopologyDescriptionProto::from_bytes(&[0x08, 0]).unwrap();
    assert_eq!(topology.platform_id, 0);
    assert!(topology.to_bytes().is_empty());
}

#[test]
fn maps_are_written_in_the_order_of_their_keys() {
    let mut message = CompileOptionsProto::default();
    for key in ["b", "a"] {
        let mut value = OptionOverrideProto::default();
        value.value = Some(OptionOverrideProtoValue::BoolField(false));
        message.env_option_overrides.insert(key.to_owned(), value);
    }
    let bytes = message.to_bytes();
    assert_eq!(
        bytes,
        [
            0x3a, 7, 0x0a, 1, b'a', 0x12, 2, 0x10, 0, 0x3a, 7, 0x0a, 1, b'b', 0x12, 2, 0x10, 0
        ]
    );
    assert_eq!(CompileOptionsProto::from_bytes(&bytes).unwrap(), message);
}

#[test]
fn values_of_enums_need_not_be_listed() {
    let shape = ShapeProto::from_bytes(&[0x10, 0xb9, 0x60]).unwrap();
    assert_eq!(shape.element_type, PrimitiveType(12345));
    assert_eq!(shape.element_type.name(), None);
    assert_eq!(shape.to_bytes(), [0x10, 0xb9, 0x60]);
    assert_eq!(format!("{:?}", PrimitiveType::F32), "F32");
}

#[test]
fn bytes_that_are_no_message_are_told() {
    let long = [0xff; 11];
    let cases: [(&[u8], &str); 9] = [
        (&[0x08], "ends"),
        (&[0x1a, 5, 1], "ends"),
        (
            &[
                0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
            ],
            "ends",
        ),
        (&long, "64 bits"),
        (&[0x00, 1], "number 0"),
        (&[0x0f], "a kind that there is not"),
        (&[0x0c], "a kind that there is not"),
        (&[0xa3, 6, 0xac, 6], "never began"),
        (&[0xa3, 6, 0x08, 1], "ends"),
    ];
    for (bytes, expected) in cases {
        let error = DeviceAssignmentProto::from_bytes(bytes).unwrap_err();
        assert!(error.problem.contains(expected), "{bytes:?}: {error}");
        assert!(
            error.to_string().contains("xla.DeviceAssignmentProto"),
            "{error}"
        );
    }
    let text = AnyProto::from_bytes(&[0x0a, 1, 0xff]).unwrap_err();
    assert!(text.problem.contains("UTF-8"), "{text}");
}

#[test]
fn messages_in_messages_end_somewhere() {
    let nested = |levels: usize, open: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        (0..levels).fold(Vec::new(), |inner, _| open(inner))
    };
    // tuple_shapes (4), each in the one before
    let tuple = |inner: Vec<u8>| {
        let mut out = vec![0x22];
        wire::put_bytes(&inner, &mut out);
        out
    };
    let group = |inner: Vec<u8>| [vec![0xa3, 6], inner, vec![0xa4, 6]].concat();
    assert!(ShapeProto::from_bytes(&nested(90, &tuple)).is_ok());
    assert!(ShapeProto::from_bytes(&nested(90, &group)).is_ok());
    for bytes in [nested(1000, &tuple), nested(1000, &group)] {
        let error = ShapeProto::from_bytes(&bytes).unwrap_err();
        assert!(error.problem.contains("too deep"), "{error}");
    }
}

#[test]
fn no_cut_or_changed_message_panics() {
    let options = crate::CompileOptions::new().raw_option("a", "b").to_bytes();
    for bytes in [STRANGE, &options] {
        for end in 0..bytes.len() {
            let _ = CompileOptionsProto::from_bytes(&bytes[..end]);
            for value in [0, 0x7f, 0x80, 0xff, 0x0b, 0x1a] {
                let mut changed = bytes.to_vec();
                changed[end] = value;
                if let Ok(message) = CompileOptionsProto::from_bytes(&changed) {
                    let written = message.to_bytes();
                    let again = CompileOptionsProto::from_bytes(&written).unwrap();
                    assert_eq!(again.to_bytes(), written, "{changed:?}");
                }
            }
        }
    }
}
