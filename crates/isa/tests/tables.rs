//! What is made of small tables, and what is refused.

use armistice_isa::{Format, Made, generate};

const HALVES: Format = Format {
    name: "halves",
    bits: 16,
    first: 10..16,
    second: 6..10,
};

fn made(text: &str) -> Made {
    generate(text, &HALVES)
}

#[test]
fn a_row_of_two_bytes() {
    let made = made(
        "# A comment.
         MOVS \"00100 Rd:3 imm8:8\" BASE move
         NOP  \"10111111 00000000\" BASE hint\n",
    );
    assert!(
        made.rows
            .contains("/// An instruction: a row of `halves.isa`.")
    );
    assert!(made.rows.contains("Match { mask: 0xf800, value: 0x2000,"));
    assert!(made.rows.contains("Match { mask: 0xffff, value: 0xbf00,"));
    // 64 times 16 lists, of six and four bits.
    assert!(made.rows.contains("static FIRST: [u16; 64]"));
    assert!(made.rows.contains("static SECOND: [[u16; 16]; 3]"));
    assert!(made.rows.contains("FIRST[(word >> 10) as usize]"));
    let imm8 = "pub const fn imm8(self) -> u32 { self.word >> 0 & 0xff }";
    assert!(made.fields.contains(imm8), "{}", made.fields);
}

#[test]
fn the_more_specific_row_comes_first() {
    let rows = made(
        "ANY \"1 x:15\" BASE any
         ONE \"1 000000000000000\" BASE any\n",
    )
    .rows;
    let candidates = &rows[rows.find("static CANDIDATES").expect("a list")..];
    let at = |name| candidates.find(name).expect(name);
    assert!(at("Op::ONE") < at("Op::ANY"));
}

#[test]
fn what_a_where_refuses_is_a_pattern_if_it_can_be() {
    let rows = made("ADD \"0001 cond:4 imm8:8\" BASE add where cond != 15\n").rows;
    assert!(rows.contains("refused_mask: 0xf00, refused_value: 0xf00, constraint: 0"));
    let rows = made("ADD \"0001 cond:4 imm8:8\" BASE add where cond < 14 && imm8 > 2\n").rows;
    assert!(rows.contains("refused_mask: 0x0, refused_value: 0x1, constraint: 1"));
}

#[test]
#[should_panic(expected = "A and B both claim 0x00001001")]
fn two_rows_for_one_word() {
    let _ = made("A \"0001 x:11 1\" BASE a\nB \"x:3 1 00000000000 1\" BASE b\n");
}

#[test]
fn two_rows_that_a_where_keeps_apart() {
    let _ = made(
        "A \"0001 n:11 1\" BASE a where n != 0
         B \"m:3 1 00000000000 1\" BASE b\n",
    );
}

#[test]
fn bits_that_should_be_so_decide_nothing() {
    let rows = made("BX \"010001110 Rm:4 (101)\" BASE branch\n").rows;
    assert!(rows.contains("Match { mask: 0xff80, value: 0x4700,"));
    assert!(rows.contains("should: 0x5, has_where"));
}

#[test]
#[should_panic(expected = "no ) in (10")]
fn bits_that_should_be_so_have_both_parentheses() {
    let _ = made("A \"0001 (10 n:10\" BASE a\n");
}

#[test]
#[should_panic(expected = "a second place for the field")]
fn a_field_with_two_places() {
    let _ = made("A \"0001 n:12\" BASE a\nB \"0010 n:4 00000000\" BASE b\n");
}

#[test]
#[should_panic(expected = "not 16 bits")]
fn a_row_that_is_too_short() {
    let _ = made("A \"0001\" BASE a\n");
}

#[test]
#[should_panic(expected = "over 16 bits")]
fn a_row_that_is_too_long() {
    let _ = made("A \"0001 n:13\" BASE a\n");
}
