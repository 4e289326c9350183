use super::*;

fn of(text: &str) -> Uses {
    let function: syn::ItemFn = syn::parse_str(text).unwrap();
    let imports = Imports::from([("raw".to_owned(), vec!["raw".to_owned()])]);
    let scope = Scope {
        module: &[],
        imports: &imports,
    };
    uses(&scope, &function.sig, &function.block)
}

fn access(uses: &Uses, key: &str, field: &str) -> bool {
    uses.accesses.contains(&(key.to_owned(), field.to_owned()))
}

#[test]
fn outputs_are_followed_through_variables_patterns_and_closures() {
    let found = of("fn f() {
        let out = unsafe { raw::a(api, input) }?;
        g(out.one);
        let Ok(other) = (unsafe { ::pjrt::raw::layouts::b(t, input) }) else { return };
        other.two;
        unsafe { raw::c(api, input) }.map(|o| o.three);
        let raw::DOut { four, .. } = unsafe { raw::d(api, input) }?;
        println!(\"{}\", unsafe { raw::e(api, input) }?.five);
    }");
    assert!(access(&found, "raw::a", "one"));
    assert!(access(&found, "raw::layouts::b", "two"));
    assert!(access(&found, "raw::c", "three"));
    assert!(access(&found, "raw::d", "four"));
    assert!(access(&found, "raw::e", "five"));
    assert!(!access(&found, "raw::a", "two"));
}

#[test]
fn outputs_are_followed_through_what_is_handed_to_be_called() {
    let found = of("fn f() {
        let out = guard(|| unsafe { raw::a(api, input) })?;
        g(out.one);
        let other = each(|x| unsafe { raw::b(api, x) });
        g(other.two);
    }");
    assert!(access(&found, "raw::a", "one"));
    assert!(!access(&found, "raw::b", "two"));
}

#[test]
fn outputs_are_followed_into_a_parameter_of_their_type() {
    let found = of("fn f(out: raw::AOut) -> u8 { out.one }");
    assert!(access(&found, "raw::AOut", "one"));
}

#[test]
fn nulls_that_are_spelt_out_are_told_apart() {
    let found = of("fn f() {
        let input = raw::AIn::new(x, ptr::null_mut(), None, 0, std::ptr::null::<u8>().cast()).with_late(3);
    }");
    use Argument::{Given, Null, Zero};
    assert_eq!(
        found.constructions,
        [("raw::AIn".to_owned(), vec![Given, Null, Null, Zero, Null])]
    );
    assert!(access(&found, "raw::AIn", "late"));
}

#[test]
fn a_union_is_whole_where_no_member_is_named() {
    assert!(of("fn f() { &raw const (*x).__bindgen_anon_1; }").whole_union);
    let named = of("fn f() { x.__bindgen_anon_1.tiled = y; }");
    assert!(!named.whole_union && named.fields.contains("tiled"));
}
