//! Files of cases: what is typed, what is printed, how it ends. To rewrite
//! them after a change, read the difference, and run with TRYCMD=overwrite.

#[test]
fn command_lines() {
    trycmd::TestCases::new().case("tests/cases/*.trycmd");
}
