//! What is outside of the table, by rules that have a name: each unknown word
//! of a real program is either no instruction at all or one of these.
//!
//! The rules are encoding groups of the manual's chapter C4, so a mnemonic
//! that a later LLVM learns changes nothing here.

/// A group of encodings that is out of scope.
struct Rule {
    mask: u32,
    value: u32,
    name: &'static str,
}

const fn rule(mask: u32, value: u32, name: &'static str) -> Rule {
    Rule { mask, value, name }
}

/// The first that matches has the word.
const RULES: &[Rule] = &[
    // op0 of the topmost table.
    rule(0x1e00_0000, 0x0400_0000, "SVE"),
    rule(0x9e00_0000, 0x8000_0000, "SME"),
    // Memory Tagging: LDG and its kin, IRG, GMI, SUBP, ADDG, SUBG.
    rule(0xff20_0000, 0xd920_0000, "MTE"),
    rule(0xffe0_fc00, 0x9ac0_1000, "MTE"),
    rule(0xffe0_fc00, 0x9ac0_1400, "MTE"),
    rule(0xdfe0_fc00, 0x9ac0_0000, "MTE"),
    rule(0xbfc0_0000, 0x9180_0000, "MTE"),
    // Pointer authentication that is no hint: PACIA to XPACD, PACGA, branches
    // to the authenticated, LDRAA and LDRAB.
    rule(0xffff_0000, 0xdac1_0000, "PAuth, not as hint"),
    rule(0xffe0_fc00, 0x9ac0_3000, "PAuth, not as hint"),
    rule(0xfe00_f800, 0xd600_0800, "PAuth, not as hint"),
    rule(0xff20_0400, 0xf820_0400, "PAuth, not as hint"),
    // Exceptions to other levels, debug, exception return.
    rule(0xff00_0000, 0xd400_0000, "privileged or debug"),
    rule(0xfedf_ffff, 0xd69f_03e0, "privileged or debug"),
    // MRS, MSR, SYS and SYSL: registers and operations of other levels, and
    // of features that are not advertised (Guarded Control Stacks, random
    // numbers, SME's and MTE's own).
    rule(0xffc0_0000, 0xd500_0000, "system register or operation"),
];

/// The name of the rule that puts a word out of scope.
pub(crate) fn out_of_scope(word: u32) -> Option<&'static str> {
    RULES
        .iter()
        .find(|rule| word & rule.mask == rule.value)
        .map(|rule| rule.name)
}

/// One word of each kind, as an assembler writes it, and some that are in.
#[test]
fn the_rules_name_what_they_should() {
    for (word, name) in [
        (0x2518_e3e0, Some("SVE")),                          // PTRUE P0.B
        (0xe120_6200, Some("SME")),                          // STR ZA
        (0x9adf_1401, Some("MTE")),                          // GMI X1, X0, XZR
        (0x9ac1_1000, Some("MTE")),                          // IRG X0, X0, X1
        (0xd960_0000, Some("MTE")),                          // LDG X0, [X0]
        (0xbac1_0000, Some("MTE")),                          // SUBPS X0, X0, X1
        (0x9181_0400, Some("MTE")),                          // ADDG X0, X0, #16, #1
        (0xd181_0400, Some("MTE")),                          // SUBG X0, X0, #16, #1
        (0xd65f_0bff, Some("PAuth, not as hint")),           // RETAA
        (0xd73f_0801, Some("PAuth, not as hint")),           // BLRAA X0, X1
        (0xdac1_0020, Some("PAuth, not as hint")),           // PACIA X0, X1
        (0x9ac2_3020, Some("PAuth, not as hint")),           // PACGA X0, X1, X2
        (0xf820_0420, Some("PAuth, not as hint")),           // LDRAA X0, [X1]
        (0xd440_0000, Some("privileged or debug")),          // HLT #0
        (0xd69f_03e0, Some("privileged or debug")),          // ERET
        (0xd6bf_03e0, Some("privileged or debug")),          // DRPS
        (0xd53b_2400, Some("system register or operation")), // MRS X0, RNDR
        (0x9100_0400, None),                                 // ADD X0, X0, #1
        (0xf860_0820, None),                                 // nothing: LDR's option 000
        (0x9ac2_0820, None),                                 // UDIV X0, X1, X2
        (0xd65f_03c0, None),                                 // RET
        (0x9ac2_2020, None),                                 // LSLV X0, X1, X2
    ] {
        assert_eq!(out_of_scope(word), name, "{word:#010x}");
    }
}
