use super::*;

/// A file as NumPy writes it: the header is filled up to a multiple of 64 bytes.
fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}");
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(length).expect("short").to_le_bytes());
    file.extend(format!("{text:<width$}\n", width = length - 1).bytes());
    file.extend(data);
    file
}

#[test]
fn what_is_written_is_read() {
    for ty in ElementType::ALL {
        let Some(size) = ty.host_size() else { continue };
        let data: Vec<u8> = (0..6 * size).map(|byte| byte as u8).collect();
        let array = decode(&encode(*ty, &[2, 3], &data).expect("a file")).expect("an array");
        assert_eq!((array.dims, array.bytes), (vec![2, 3], data), "{ty}");
        assert_eq!(Some(array.stored), stored(*ty), "{ty}");
    }
}

#[test]
fn the_header_is_as_numpy_writes_it() {
    let written = encode(ElementType::F32, &[3], &[0; 12]).expect("a file");
    assert_eq!(
        decode(&written),
        decode(&file("'<f4'", "False", "(3,)", &[0; 12]))
    );
    assert_eq!((written.len() - 12) % 16, 0);
}

#[test]
fn bytes_in_the_other_order_are_turned() {
    let big = file("'>i4'", "False", "(2,)", &[0, 0, 0, 1, 0, 0, 1, 0]);
    let array = decode(&big).expect("an array");
    let expected = [1i32.to_ne_bytes(), 256i32.to_ne_bytes()].concat();
    assert_eq!(array.bytes, expected);
    let parts = [1.5f32, -2.0].map(f32::to_be_bytes).concat();
    let array = decode(&file("'>c8'", "False", "()", &parts)).expect("an array");
    assert_eq!(array.bytes, [1.5f32, -2.0].map(f32::to_ne_bytes).concat());
}

#[test]
fn columns_first_is_seen() {
    let array = decode(&file("'|u1'", "True", "(2, 3)", &[0; 6])).expect("an array");
    assert!(array.fortran);
    let vector = decode(&file("'|u1'", "True", "(6,)", &[0; 6])).expect("an array");
    assert!(!vector.fortran);
}

#[test]
fn what_is_no_such_file_is_refused_with_what_to_do() {
    let good = file("'<f4'", "False", "(2, 3)", &[0; 24]);
    for length in 0..good.len() {
        let why = decode(&good[..length]).expect_err("cut off");
        assert!(why.contains("save"), "{why}");
    }
    let why = decode(&[good.as_slice(), &[0]].concat()).expect_err("too long");
    assert!(why.contains("expected 24 bytes"), "{why}");
    let bad = [
        ("'|O'", "(2,)"),
        ("'<U3'", "(2,)"),
        ("'<M8[ns]'", "(2,)"),
        ("[('a', '<f4')]", "(2,)"),
        ("'|V0'", "(2,)"),
        ("'<f4'", "(99999999999, 99999999999)"),
        ("'<f4'", "(0, 99999999999, 99999999999)"),
        ("'<f4'", "(0xffffffffffffffff, 4)"),
        ("'<f4'", "(-1,)"),
        ("'<f4'", "2"),
        ("'<f4'", "(18446744073709551615,)"),
        ("'nonsense'", "(2,)"),
    ];
    for (descr, shape) in bad {
        assert!(
            decode(&file(descr, "False", shape, &[0; 8])).is_err(),
            "{descr} {shape}"
        );
    }
    assert!(decode(b"1.0, 2.0, 3.0").is_err_and(|why| why.contains("numpy.save")));
    let mut deep = file("'<f4'", "False", &"(".repeat(20_000), &[]);
    assert!(decode(&deep).is_err());
    deep[6] = 9;
    assert!(decode(&deep).is_err());
}
